"""A person who may see and change own tasks only, on every backend."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from behaviour.agent import Agent, Refused
from behaviour.backend_cases import BACKEND_CASES
from server.example_calls import calls_on, creating_calls
from server.team_server import ANA, BEN, TeamServer, open_team_server
from taskhand.server.tools import TOOLS

if TYPE_CHECKING:
    from behaviour.world import BackendCase

OTHER = "Ana Soto"
ONLY_OWN = "Only your own tasks are shown."
WRITING = frozenset(tool.name for tool in TOOLS if tool.writes)
GIVEN_AWAY = "A task that is given away is not yours any more: you cannot undo that."


@pytest.fixture(params=BACKEND_CASES, ids=lambda backend: backend.name)
async def team(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[TeamServer]:
    backend: BackendCase = request.param
    async with open_team_server(tmp_path, backend) as team:
        yield team


@pytest.fixture
async def stock(tmp_path: Path) -> AsyncIterator[TeamServer]:
    """The built-in store, where a task can have several responsibles."""
    async with open_team_server(tmp_path) as team:
        yield team


async def rule_of(agent: Agent, tool: str, /, **arguments: Any) -> str:
    """The rule that a call is refused by; the refusal is in the journal."""
    with pytest.raises(Refused) as refused:
        await agent(tool, **arguments)
    assert refused.value.code == "not_allowed", refused.value.error
    return str(refused.value.error["rule"])


async def test_only_own_tasks_are_seen_and_changed(team: TeamServer) -> None:
    anyone = await team.agent(None)
    mine, other = await anyone.create("Mine"), await anyone.create("Other", responsibleIds=[OTHER])
    given = await anyone("update_task", id=other["id"], title="Other!")
    plan = await anyone("delete_task", id=other["id"])
    team.rule(own_tasks_only=True)
    own = await team.agent(None)
    assert await own.listed() == ["Mine"]
    assert await own.listed(responsibleIds=[OTHER]) == []
    assert await own.listed(responsibleIds=["me", OTHER]) == ["Mine"]
    assert await own.listed(responsibleIds=["nobody"]) == []
    counted = await own("list_tasks", countBy="status")
    assert (counted["total"], counted["note"]) == (1, ONLY_OWN)
    assert (await own("list_tasks", text="Other"))["note"].startswith(ONLY_OWN)
    assert (await own("get_task", id=mine["id"]))["task"]["title"] == "Mine"
    before = await anyone_sees(team, other["id"])
    for tool, arguments in calls_on(other["id"], "me").items():
        for options in ({}, {"dryRun": True}) if tool in WRITING else ({},):
            assert await rule_of(own, tool, **arguments, **options) == "own_tasks_only", tool
            assert (await team.changes())[0].opening.tool == tool
    for tool in ("get_task", "delete_task"):
        with pytest.raises(Refused) as refused:
            await own(tool, id=other["id"])
        assert refused.value.error["message"] == f"Task {other['id']} is not one of your own tasks."
    edit = {"changes": {"title": "x"}}
    with pytest.raises(Refused, match="not one of your own tasks; nothing was written"):
        await own("bulk_update_tasks", taskIds=[mine["id"], other["id"]], **edit)
    others: tuple[tuple[str, dict[str, Any]], ...] = (
        ("bulk_update_tasks", {"taskIds": [mine["id"], other["id"]]} | edit),
        ("delete_task", {"ids": [other["id"], mine["id"]]}),
        ("undo_change", {"changeId": given["changeId"]}),
        ("apply_plan", {"planId": plan["planId"]}),
        *creating_calls(responsibleIds=[OTHER]).items(),
    )
    for tool, arguments in others:
        assert await rule_of(own, tool, **arguments) == "own_tasks_only", tool
        assert (await team.changes())[0].outcome == "refused"
    assert await anyone_sees(team, other["id"]) == before
    for is_dry in (True, False):
        none = await own("bulk_update_tasks", filter={"text": "Other"}, changes={"priority": "2"}, dryRun=is_dry)
        assert none["note"].endswith(ONLY_OWN)
    found = await own("bulk_update_tasks", filter={"text": "m"}, changes={"priority": "2"})
    assert ONLY_OWN not in found["note"]
    assert [one["title"] for one in found["difference"]] == ["Mine"]
    assert (await own("apply_plan", planId=found["planId"]))["task"]["title"] == "Mine"


async def anyone_sees(team: TeamServer, task_id: str) -> Any:
    """A task as it is."""
    return await team.app.backend.get_task(task_id, fresh=True)


async def test_a_new_task_must_be_ones_own_and_may_be_given_away_later(team: TeamServer) -> None:
    team.rule(own_tasks_only=True)
    own = await team.agent(None)
    nobody = ["me"] if team.app.backend.capabilities.least_responsibles else []
    body: dict[str, Any] = {"priority": "1", "responsibleIds": nobody}
    made = await own("create_task", title="New", **body)
    me = await team.app.backend.account.me()
    assert "responsibleIds" in str(made["matched"])
    assert (await anyone_sees(team, made["task"]["id"])).responsible_ids == (me,)
    many = await own("create_tasks", tasks=[body | {"title": f"N{n}"} for n in range(2)])
    assert many["totals"] == {"applied": 2}
    assert len(await own.listed()) == 3
    kept = await own("update_task", id=made["task"]["id"], title="Newer")
    planned = await own("reassign_task", id=made["task"]["id"], responsibleIds=[OTHER], dryRun=True)
    away = await own("reassign_task", id=made["task"]["id"], responsibleIds=[OTHER])
    row = (await own("list_changes", limit=1))["changes"][0]
    assert (row["changeId"], row["outcome"]) == (away["changeId"], "applied")
    assert [GIVEN_AWAY in one.get("note", "") for one in (kept, planned, away)] == [False, True, True]
    assert (await anyone_sees(team, made["task"]["id"])).responsible_ids != (me,)
    assert await rule_of(own, "get_task", id=made["task"]["id"]) == "own_tasks_only"
    assert await rule_of(own, "undo_change", changeId=away["changeId"]) == "own_tasks_only"
    assert (await own("undo_change", changeId=many["changeId"]))["totals"] == {"applied": 2}
    assert await own.listed() == []


async def test_giving_away_tasks_of_a_bulk_change_causes_one_note(team: TeamServer) -> None:
    anyone = await team.agent(None)
    ids = [(await anyone.create(f"Task {n}"))["id"] for n in range(2)]
    change = {"taskIds": ids, "changes": {"responsibleIds": [OTHER]}}
    assert GIVEN_AWAY not in str(await anyone("bulk_update_tasks", dryRun=True, **change))
    team.rule(own_tasks_only=True)
    own = await team.agent(None)
    for is_dry in (True, False):
        assert str(await own("bulk_update_tasks", dryRun=is_dry, **change)).count(GIVEN_AWAY) == 1


async def test_a_task_with_several_responsibles_belongs_to_each_of_them(stock: TeamServer) -> None:
    anyone = await stock.agent(None)
    for n in range(7):
        await anyone.create(f"Both {n}", responsibleIds=["me", OTHER])
        await anyone.create(f"Mine {n}")
        await anyone.create(f"Other {n}", responsibleIds=[OTHER])
    stock.rule(own_tasks_only=True)
    own = await stock.agent(None)
    both = [f"Both {n}" for n in range(7)]
    assert sorted(await own.listed(responsibleIds=[OTHER], limit=3)) == both
    assert sorted(await own.listed(responsibleIds=[OTHER], limit=7)) == both
    assert len(await own.listed(limit=4)) == 14
    assert (await own("list_tasks", countBy="responsible"))["total"] == 14
    [task] = (await own("list_tasks", text="Both 3"))["tasks"]
    assert [*(await own("update_task", id=task["id"], priority="2"))["changed"]] == ["priority"]


async def test_a_person_who_is_no_member_has_no_tasks(team: TeamServer) -> None:
    anyone = await team.agent(None)
    task = await anyone.create("Mine")
    team.rule("stranger@example.com", own_tasks_only=True)
    stranger = await team.agent("stranger@example.com")
    assert await stranger.listed() == []
    assert (await stranger("list_tasks", countBy="status"))["total"] == 0
    calls = calls_on(task["id"], OTHER) | creating_calls(responsibleIds=[OTHER])
    for tool, arguments in calls.items():
        assert await rule_of(stranger, tool, **arguments) == "own_tasks_only", tool
    assert len(await anyone.listed()) == 1


async def test_each_of_two_persons_sees_only_their_own_tasks(team: TeamServer) -> None:
    team.rule(own_tasks_only=True)
    ana, ben = await team.agent(ANA), await team.agent(BEN)
    hers, his = await ana.create("Hers"), await ben.create("His")
    assert (await ana.listed(), await ben.listed()) == (["Hers"], ["His"])
    assert await rule_of(ana, "update_task", id=his["id"], title="x") == "own_tasks_only"
    assert await rule_of(ben, "complete_task", id=hers["id"]) == "own_tasks_only"
    await ana("reassign_task", id=hers["id"], responsibleIds=[BEN])
    assert (await ana.listed(), sorted(await ben.listed())) == ([], ["Hers", "His"])
