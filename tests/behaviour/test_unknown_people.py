"""Former members, people with equal names, and an unknown `me`, on every backend."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from mcp import Client

from behaviour.agent import Agent, Refused
from behaviour.backend_cases import BACKEND_CASES
from behaviour.world import PEOPLE, BackendCase, World, person
from taskhand.backends.registry import NAMES, find_factory
from taskhand.server.app import create_server

CONFIGURED = [backend for backend in BACKEND_CASES if backend.name in NAMES and find_factory(backend.name).me_variable]
"""The backends where a setting says who `me` is."""
LEFT = person(9, "Kenneth Gone", "gone@example.com") | {"active": False}
LEFT_WORLD = World([*PEOPLE, LEFT], theirs="Theirs")
"""Kenneth Gone has left the team, and a task is still his."""


@pytest.fixture(params=BACKEND_CASES, ids=lambda backend: backend.name)
async def agent(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Agent]:
    """An agent on a team that Kenneth Gone has left, with a task that is still his."""
    backend: BackendCase = request.param
    async with backend.open(tmp_path, LEFT_WORLD) as app, Client(create_server(app)) as client:
        yield Agent(client, backend.needs)


async def test_a_former_member_is_marked_and_can_be_sent_back_as_shown(
    agent: Agent, request: pytest.FixtureRequest
) -> None:
    backend: BackendCase = request.node.callspec.params["agent"]
    [row] = (await agent("list_tasks"))["tasks"]
    [shown] = row["responsibles"]
    [one] = (await agent("get_task", id=row["id"]))["task"]["task_responsibles"]
    name = "Kenneth Gone" if backend.names_former_members else one["responsible_id"]
    assert shown == f"{name} (not in the team)"
    assert await agent.listed(responsibleIds=[shown]) == ["Theirs"]
    assert (await agent("list_tasks", responsibleIds=[shown], countBy="status"))["total"] == 1
    if shown.startswith("Kenneth"):
        assert await agent.listed(responsibleIds=["gone"]) == ["Theirs"]
        assert (await agent("list_tasks", responsibleIds=["gone"]))["matched"][0]["name"] == shown
    [kept] = (await agent("bulk_update_tasks", taskIds=[row["id"]], changes={"responsibleIds": [shown]}))["totals"]
    assert kept == "unchanged"
    for text in (shown, "gone"):
        with pytest.raises(Refused) as refused:
            await agent.create(responsibleIds=[text])
        assert refused.value.code == "unknown_member"
        assert ("Kenneth Gone left the team" in str(refused.value)) == backend.names_former_members
    await agent("reassign_task", id=row["id"], responsibleIds=["soto"])
    [row] = (await agent("list_tasks"))["tasks"]
    assert row["responsibles"] == ["Ana Soto"]


async def test_namesakes_are_shown_with_their_e_mail_which_can_be_sent_back(agent: Agent) -> None:
    await agent.create("Hers", responsibleIds=["maria.two@example.com"])
    [row] = [row for row in (await agent("list_tasks"))["tasks"] if row["title"] == "Hers"]
    assert row["responsibles"] == ["María Rodríguez <maria.two@example.com>"]
    assert await agent.listed(responsibleIds=row["responsibles"]) == ["Hers"]


@pytest.mark.parametrize("backend", CONFIGURED, ids=lambda backend: backend.name)
async def test_me_is_offered_only_if_the_settings_define_it(backend: BackendCase, tmp_path: Path) -> None:
    variable = str(find_factory(backend.name).me_variable)
    offered = []
    for whose in (None, "5d1f0000-0000-4000-8000-000000000077"):
        world = World(settings={variable.lower(): whose})
        async with backend.open(tmp_path, world) as app, Client(create_server(app)) as client:
            schemas = [tool.input_schema for tool in (await client.list_tools()).tools]
            offered.append("'me'" in f"{schemas}{client.instructions}")
            if backend.name == "vambe" or whose:
                with pytest.raises(Refused, match="It is not known who 'me' is") as refused:
                    await Agent(client)("list_tasks", responsibleIds=["me"])
                assert refused.value.code == "unknown_member"
                assert len(refused.value.values) == len(PEOPLE)
                assert variable in refused.value.next
    assert offered == [False, True]
