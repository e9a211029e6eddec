"""Persons' credentials that expire, end early or are revoked during use, and the effect on their calls.

The sandbox is the CRM's authorization server: its log says what was renewed, by whom, and with whose credential.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from server.example_calls import ON_A_TASK, calls_on, creating_calls
from server.signed_in_account import BEN, CAT, CRMS, SignedInAccount, open_signed_in_account
from server.store_connections import answer_of
from taskhand.call.parallel_work import concurrent_tasks
from taskhand.sandbox.faults import Fault
from taskhand.server.tool import Tool
from taskhand.server.tools import TOOLS


@pytest.fixture(params=list(CRMS))
def crm(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def outcomes(account: SignedInAccount, person: str, calls: int) -> list[str]:
    """What so many calls at the same moment, spread over all servers, end with: "ok", or the code of the error."""
    found: list[str] = []

    async def call(server: int) -> None:
        async with account.client(person, server) as client:
            answer = await answer_of(client, "get_task", id=account.crm.task)
            found.append(str(answer.get("code", "ok")))

    async with concurrent_tasks() as group:
        for number in range(calls):
            group.start_soon(call, number % len(account.servers))
    return found


async def test_callers_at_once_at_several_servers_renew_once_for_each_generation(crm: str, tmp_path: Path) -> None:
    async with open_signed_in_account(crm, tmp_path, servers=2) as account:
        for generation in range(1, 3):
            account.clock.move(seconds=account.sandbox.spec_variant.oauth_access_life - 60)  # good for a minute more
            assert await outcomes(account, BEN, 6) == ["ok"] * 6
            assert [one.user for one in account.renewals()] == [account.user(BEN)] * generation
        account.clock.move(hours=12)  # expired
        assert await outcomes(account, BEN, 6) == ["ok"] * 6
        assert [one.user for one in account.renewals()] == [account.user(BEN)] * 3
        assert {one.user for one in account.sandbox.requests} == {account.user(BEN)}
        assert all(one.status == 200 for one in account.sandbox.requests)


SENDING = [tool for tool in TOOLS if tool in ON_A_TASK or tool.kind == "create" or tool.name == "list_tasks"]
"""Tools that send requests whatever was read before."""


@pytest.mark.parametrize("tool", SENDING, ids=lambda tool: tool.name)
async def test_a_token_that_ends_early_is_renewed_within_the_call(crm: str, tool: Tool[Any], tmp_path: Path) -> None:
    """The CRM has refused the request, so also a write is sent again, and done once."""
    async with open_signed_in_account(crm, tmp_path) as account, account.client(BEN) as ben:
        await answer_of(ben, "get_task", id=account.crm.task)
        account.sandbox.authorization.grants.end_access(account.user(BEN))
        account.sandbox.clear_requests()
        calls = calls_on(account.crm.task, account.crm.members[0]) | creating_calls(**account.crm.new)
        answer = await answer_of(ben, tool.name, **calls.get(tool.name, {}))
        assert "code" not in answer
        assert len(account.renewals()) == 1
        committed = [one for one in account.sandbox.requests if one.committed and one not in account.renewals()]
        assert len(committed) == (0 if tool.kind in {"read", "destroy"} else 1)
        refused = [one for one in account.sandbox.requests if one.status == 401]
        assert 1 <= len(refused) <= 8  # those that were under way at once
        assert {one.user for one in account.sandbox.requests} == {account.user(BEN)}
        assert await account.states() == {BEN: "linked", CAT: "linked"}


async def test_many_calls_whose_token_ends_early_renew_it_once(crm: str, tmp_path: Path) -> None:
    async with open_signed_in_account(crm, tmp_path, servers=2) as account:
        assert await outcomes(account, BEN, 4) == ["ok"] * 4
        account.sandbox.authorization.grants.end_access()
        assert await outcomes(account, BEN, 8) == ["ok"] * 8
        assert await outcomes(account, CAT, 2) == ["ok"] * 2
        assert [one.user for one in account.renewals()] == [account.user(BEN), account.user(CAT)]


async def test_a_grant_that_was_revoked_in_the_crm_ends_the_link_of_that_person_alone(crm: str, tmp_path: Path) -> None:
    async with open_signed_in_account(crm, tmp_path) as account, account.client(BEN) as ben, account.client(CAT) as cat:
        for client in (ben, cat):
            await answer_of(client, "get_task", id=account.crm.task)
        account.sandbox.authorization.grants.end(account.user(BEN))
        refused = await answer_of(ben, "update_task", id=account.crm.task, title="Renew it")
        assert refused["code"] == "link_required"
        assert await account.states() == {BEN: "ended", CAT: "linked"}
        seen = len(account.sandbox.requests)
        assert (await answer_of(ben, "get_task", id=account.crm.task))["code"] == "link_required"
        assert len(account.sandbox.requests) == seen
        assert "code" not in await answer_of(cat, "get_task", id=account.crm.task)
        await account.link(BEN)
        assert "code" not in await answer_of(ben, "get_task", id=account.crm.task)


async def test_a_token_that_is_refused_though_it_is_new_is_not_renewed_in_a_circle(crm: str, tmp_path: Path) -> None:
    async with open_signed_in_account(crm, tmp_path) as account, account.client(BEN) as ben:
        await answer_of(ben, "get_task", id=account.crm.task)
        reads = next(one.route for one in account.sandbox.requests if one.route and account.crm.task in one.path)
        account.sandbox.faults = [Fault("status", route=reads, status=401, nth="every")]
        refused = await answer_of(ben, "get_task", id=account.crm.task)
        assert (refused["code"], refused["retryable"]) == ("upstream_error", True)
        assert refused["next"].startswith("Send the same call again in a moment.")
        assert len(account.renewals()) == 1
        assert await account.states() == {BEN: "linked", CAT: "linked"}
        account.sandbox.faults = []
        assert "code" not in await answer_of(ben, "get_task", id=account.crm.task)


FAULTS = {
    "429": Fault("status", status=429, retry_after=60, nth="every"),
    "500": Fault("status", status=500, nth="every"),
    "503": Fault("status", status=503, nth="every"),
    "no connection": Fault("reset_before", nth="every"),
    "a page": Fault("html", nth="every"),
    "no token": Fault("without_field", field="access_token", commit=False, nth="every"),
    "a wrong secret": Fault("status", status=401, nth="every"),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_valid_token_is_used_and_an_expired_one_refused_while_renewal_fails(
    crm: str, name: str, tmp_path: Path
) -> None:
    async with open_signed_in_account(crm, tmp_path) as account:
        account.clock.move(seconds=account.sandbox.spec_variant.oauth_access_life - 60)
        account.break_token(FAULTS[name])
        assert await outcomes(account, BEN, 4) == ["ok"] * 4
        asked = len(account.renewals())
        assert asked <= 3  # by one of the four
        account.clock.move(minutes=5)
        [code] = {*await outcomes(account, BEN, 4)}
        assert code == ("unauthorized" if name == "a wrong secret" else code)
        assert code not in {"ok", "link_required", "internal_error"}
        assert await account.states() == {BEN: "linked", CAT: "linked"}
        account.sandbox.faults = []
        account.clock.move(minutes=1)
        assert await outcomes(account, BEN, 4) == ["ok"] * 4


async def test_a_lost_answer_costs_a_new_link_where_refresh_tokens_are_replaced(crm: str, tmp_path: Path) -> None:
    async with open_signed_in_account(crm, tmp_path) as account:
        account.clock.move(seconds=account.sandbox.spec_variant.oauth_access_life - 60)
        account.break_token(Fault("reset_after"))
        assert await outcomes(account, BEN, 4) == ["ok"] * 4  # the token is good for a minute more
        assert len(account.renewals()) == 1
        account.clock.move(minutes=1)
        expected = "link_required" if crm == "close" else "ok"
        assert await outcomes(account, BEN, 4) == [expected] * 4
        assert len(account.renewals()) == 2
        assert await outcomes(account, CAT, 2) == ["ok"] * 2


async def test_callers_that_wait_for_a_slow_renewal_share_its_result(crm: str, tmp_path: Path) -> None:
    release = anyio.Event()

    async def slow(_: float) -> None:
        await release.wait()

    async with open_signed_in_account(crm, tmp_path, servers=2) as account, concurrent_tasks() as group:
        account.sandbox._sleep = slow  # noqa: SLF001  how long the fault takes
        account.clock.move(hours=2)
        account.break_token(Fault("slow"))
        found: list[str] = []

        async def call() -> None:
            found.extend(await outcomes(account, BEN, 6))

        group.start_soon(call)
        while not account.renewals():
            await anyio.lowlevel.checkpoint()
        assert await outcomes(account, CAT, 2) == ["ok"] * 2  # nobody else waits
        release.set()
        while not found:
            await anyio.lowlevel.checkpoint()
        assert found == ["ok"] * 6
        assert [one.user for one in account.renewals()].count(account.user(BEN)) == 1


async def test_a_link_without_its_oauth_app_is_used_until_it_expires(crm: str, tmp_path: Path) -> None:
    async with open_signed_in_account(crm, tmp_path) as account:
        for one in account.servers:
            assert one.first.own_credentials.backends is not None
        of_crm = account.settings.by_backend[crm].__dict__
        of_crm |= {f"{crm}_client_id": None, f"{crm}_client_secret": None}
        assert await outcomes(account, BEN, 1) == ["ok"]
        account.clock.move(hours=2)
        assert await outcomes(account, BEN, 1) == ["configuration"]
        assert await account.states() == {BEN: "linked", CAT: "linked"}


async def test_a_renewed_link_has_the_expiry_that_the_crm_reported(crm: str, tmp_path: Path) -> None:
    async with open_signed_in_account(crm, tmp_path) as account:
        account.clock.move(hours=2)
        await outcomes(account, BEN, 1)
        found = await account.links.find(BEN, "default")
        assert found is not None
        life = timedelta(seconds=account.sandbox.spec_variant.oauth_access_life)
        assert found.credential.expires_at == account.clock() + life
        assert found.linked_at == account.clock() - timedelta(hours=2)
