"""A token with the scopes that the link page requests is enough for every tool."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest

from sandbox.oauth.served_sandbox import BACK, CHALLENGE, VERIFIER
from server.signed_in_account import BEN, CRMS, SignedInAccount, open_signed_in_account
from server.store_connections import answer_of, client_of
from taskhand.config.connection_settings import ConnectionSettings
from taskhand.domain.own_credential import Granted
from taskhand.vault.credential_link import Link, LinkedMember
from taskhand.wiring import open_connections, open_oauth_client

UNLIMITED = {"close": (), "hubspot": ("searches=0",)}
"""The clock stands still, and so would the budget of searches."""


@pytest.fixture(params=list(CRMS))
def crm(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def consent(account: SignedInAccount, person: str) -> Granted:
    """Let a person consent on the CRM's page to what it asks for."""
    async with open_oauth_client(ConnectionSettings("default", account.settings), account.clock) as client:
        assert client is not None
        async with httpx2.AsyncClient() as browser:
            form = {"user": account.user(person), "decision": "allow"}
            answer = await browser.post(client.authorize_url(BACK, "state", CHALLENGE), data=form)
        back = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
        return await client.exchange(back["code"], BACK, VERIFIER)


def calls(crm: str) -> list[tuple[str, Mapping[str, Any]]]:
    """A call of every tool."""
    task = CRMS[crm].task
    return [
        ("list_statuses", {}),
        ("list_team_members", {}),
        ("find_contacts", {"query": "bruce" if crm == "close" else "rosa"}),
        ("list_tasks", {"responsibleIds": ["me"]}),
        ("get_task", {"id": task}),
        ("create_task", {"title": "Call", **CRMS[crm].new, "responsibleIds": ["me"]}),
        ("create_tasks", {"tasks": [{"title": f"Call {number}", **CRMS[crm].new} for number in range(2)]}),
        ("update_task", {"id": task, "title": "Renew it"}),
        ("reassign_task", {"id": task, "responsibleIds": ["me"]}),
        ("bulk_update_tasks", {"taskIds": [task], "changes": {"dueDate": "2026-12-01"}}),
        ("complete_task", {"id": task}),
    ]


async def test_every_tool_works_with_the_scopes_of_a_consent(crm: str, tmp_path: Path) -> None:
    async with open_signed_in_account(crm, tmp_path, *UNLIMITED[crm]) as account:
        granted = await consent(account, BEN)
        assert granted.member_id == account.crm.members[0]
        member = LinkedMember(granted.member_id)
        await account.links.save(Link(BEN, "default", "oauth", granted.credential, account.clock(), member))
        account.sandbox.clear_requests()
        async with account.client(BEN) as ben:
            for tool, sent in calls(crm):
                answer = await answer_of(ben, tool, **sent)
                assert "code" not in answer, (tool, answer)
            assert "code" not in await answer_of(ben, "undo_change", changeId=answer["changeId"])
            plan = await answer_of(ben, "delete_task", id=account.crm.task)
            assert "code" not in await answer_of(ben, "apply_plan", planId=plan["planId"])
        assert {one.user for one in account.sandbox.requests} == {account.user(BEN)}
        assert [one.path for one in account.sandbox.requests if one.status in {401, 403}] == []


async def test_a_connection_may_have_such_a_token_for_all_and_its_user_is_me(crm: str, tmp_path: Path) -> None:
    async with open_signed_in_account(crm, tmp_path, *UNLIMITED[crm]) as account:
        token = (await consent(account, BEN)).credential.access_token
        shared = account.settings.with_credential(token)
        async with (
            open_connections([ConnectionSettings("default", shared)]) as connections,
            client_of(connections) as client,
        ):
            title = await answer_of(client, "update_task", id=account.crm.task, title="Renew it")
            assert "code" not in title
            assert (await answer_of(client, "list_team_members"))["me"] == account.crm.members[0]
