"""People who left the team, people who cannot be told apart by name, and a `me` that is not known, on every backend."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from behaviour.agent import Agent, Refused
from behaviour.arms import (
    LEAD,
    NOW,
    PEOPLE,
    STATUSES,
    close_settings,
    hubspot_settings,
    person,
    vambe_settings,
)
from taskhand.backends.local.people_and_statuses import Directory
from taskhand.config.settings import Settings
from taskhand.sandbox.close import CloseSandbox
from taskhand.sandbox.hubspot import HubSpotSandbox
from taskhand.sandbox.hubspot import SpecVariant as HubSpotVariant
from taskhand.sandbox.server import serve
from taskhand.sandbox.vambe import VambeSandbox
from taskhand.server.app import create_server
from taskhand.wiring import open_app, open_local_store

LEFT = person(9, "Kenneth Gone", "gone@example.com")
AT = "2026-03-10T12:00:00+00:00"


def _vambe() -> VambeSandbox:
    task = {"id": "7a500000-0000-4000-8000-000000000001", "title": "Theirs", "responsibleIds": [LEFT["id"]]}
    members = [*PEOPLE, LEFT | {"active": False}]
    seed = {"members": members, "statuses": STATUSES, "contacts": [], "tasks": [task], "key_owner": PEOPLE[0]["id"]}
    return VambeSandbox(seed=seed, clock=lambda: NOW)


def _close() -> CloseSandbox:
    users: list[dict[str, Any]] = [
        {"id": f"user_{n:043}", **{key: who[key] for key in ("first_name", "last_name", "email")}}
        for n, who in enumerate([*PEOPLE, LEFT], start=1)
    ]
    users[-1]["active"] = False
    task = {"_type": "lead", "text": "Theirs", "assigned_to": users[-1]["id"], "lead_id": LEAD, "date": "2026-03-10"}
    lead = {"id": LEAD, "name": "Acme", "contacts": []}
    seed = {"users": users, "leads": [lead], "tasks": [task], "key_owner": users[0]["id"]}
    return CloseSandbox(seed=seed, clock=lambda: NOW)


def _hubspot() -> HubSpotSandbox:
    owners: list[dict[str, Any]] = [
        {"id": str(64492916 + n), "userId": 98499704 + n, "email": who["email"]}
        | {"firstName": who["first_name"], "lastName": who["last_name"]}
        for n, who in enumerate([*PEOPLE, LEFT], start=1)
    ]
    owners[-1]["archived"] = True
    task = {"hs_task_subject": "Theirs", "hs_timestamp": AT, "hubspot_owner_id": owners[-1]["id"]}
    variant = HubSpotVariant.parse(["searches=0", "burst=0", "search_lag=0"])
    seed = {"owners": owners, "tasks": [{"properties": task}]}
    return HubSpotSandbox(seed=seed, clock=lambda: NOW, spec_variant=variant)


def _furnish(directory: Directory) -> None:
    for one in [*PEOPLE[1:], LEFT]:
        directory.add_member(one["name"], one["email"])


@pytest.fixture(params=["local", "vambe", "close", "hubspot"])
async def agent(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Agent]:
    """An agent on a team that Kenneth Gone has left, with a task that is still his; Vambe does not say his name."""
    changed: dict[str, Any] = {"journal": tmp_path / "journal.sqlite"}
    needs: dict[str, Any] = {}
    async with AsyncExitStack() as stack:
        if request.param == "local":
            settings = Settings(db=tmp_path / "tasks.sqlite", clock=NOW, user="Elena")
            backend = open_local_store(settings)
            await backend.edit(_furnish)
            async with open_app(settings) as app, Client(create_server(app)) as client:
                await Agent(client).create("Theirs", responsibleIds=["Kenneth Gone"])
            await backend.edit(lambda directory: directory.remove_member("Kenneth Gone"))
            await backend.aclose()
        elif request.param == "vambe":
            settings = vambe_settings(await stack.enter_async_context(serve(_vambe())), **changed)
        elif request.param == "close":
            settings = close_settings(await stack.enter_async_context(serve(_close())), **changed)
            needs = {"aiCustomerId": LEAD}
        else:
            settings = hubspot_settings(await stack.enter_async_context(serve(_hubspot())), **changed)
            needs = {"dueDate": "2026-12-31"}
        app = await stack.enter_async_context(open_app(settings))
        yield Agent(await stack.enter_async_context(Client(create_server(app))), needs)


async def test_a_former_member_is_marked_and_can_be_sent_back_as_shown(
    agent: Agent, request: pytest.FixtureRequest
) -> None:
    [row] = (await agent("list_tasks"))["tasks"]
    [shown] = row["responsibles"]
    name = LEFT["id"] if "[vambe]" in request.node.name else "Kenneth Gone"
    assert shown == f"{name} (not in the team)"
    assert await agent.listed(responsibleIds=[shown]) == ["Theirs"]
    if shown.startswith("Kenneth"):
        assert await agent.listed(responsibleIds=["gone"]) == ["Theirs"]
        assert (await agent("list_tasks", responsibleIds=["gone"]))["matched"][0]["name"] == shown
    [kept] = (await agent("bulk_update_tasks", taskIds=[row["id"]], changes={"responsibleIds": [shown]}))["totals"]
    assert kept == "unchanged"
    with pytest.raises(Refused) as refused:
        await agent.create(responsibleIds=[shown])
    assert refused.value.code == "unknown_member"
    await agent("reassign_task", id=row["id"], responsibleIds=["soto"])
    [row] = (await agent("list_tasks"))["tasks"]
    assert row["responsibles"] == ["Ana Soto"]


async def test_namesakes_are_shown_with_their_e_mail_which_can_be_sent_back(agent: Agent) -> None:
    await agent.create("Hers", responsibleIds=["maria.two@example.com"])
    [row] = [row for row in (await agent("list_tasks"))["tasks"] if row["title"] == "Hers"]
    assert row["responsibles"] == ["María Rodríguez <maria.two@example.com>"]
    assert await agent.listed(responsibleIds=row["responsibles"]) == ["Hers"]


@pytest.mark.parametrize("crm", ["vambe", "hubspot"])
async def test_me_is_offered_only_if_the_settings_define_it(crm: str, tmp_path: Path) -> None:
    async with serve(_vambe() if crm == "vambe" else _hubspot()) as url:
        settings_of = vambe_settings if crm == "vambe" else hubspot_settings
        changed: dict[str, Any] = {"journal": tmp_path / "journal.sqlite"}
        offered = []
        for whose in (None, "5d1f0000-0000-4000-8000-000000000077"):
            settings = settings_of(url, **changed, **{f"{crm}_user_id": whose})
            async with open_app(settings) as app, Client(create_server(app)) as client:
                schemas = [tool.input_schema for tool in (await client.list_tools()).tools]
                offered.append("'me'" in f"{schemas}{client.instructions}")
                if crm == "vambe" or whose:
                    with pytest.raises(Refused, match="It is not known who 'me' is") as refused:
                        await Agent(client)("list_tasks", responsibleIds=["me"])
                    assert refused.value.code == "unknown_member"
                    assert len(refused.value.values) == len(PEOPLE)
                    assert f"{crm.upper()}_USER_ID" in refused.value.next
    assert offered == [False, True]
