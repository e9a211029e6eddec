"""The persons who may apply a plan that needs approval, and the maximum number of tasks in one change."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from behaviour.agent import Agent, Refused
from behaviour.person import Person as PersonAtClient
from server.store_connections import answer_of, client_of, open_store_connections
from server.team_server import ANA, BEN, TeamServer, open_team_server
from taskhand.domain.policy import Policy
from taskhand.domain.principal import Scope

FIVE = [{"title": f"Task {n}", "responsibleIds": [], "priority": "1"} for n in range(5)]
ELEVEN = [FIVE[0]] * 11
EVE = "eve@example.com"
WRITE: frozenset[Scope] = frozenset({"read", "write"})


@pytest.fixture
async def team(tmp_path: Path) -> AsyncIterator[TeamServer]:
    async with open_team_server(tmp_path) as team:
        yield team


async def refusal(agent: Agent, tool: str, /, **arguments: Any) -> str:
    """The rule that a call is refused by."""
    with pytest.raises(Refused) as refused:
        await agent(tool, **arguments)
    assert refused.value.code == "not_allowed"
    return str(refused.value.error["rule"])


async def titles(team: TeamServer) -> list[str]:
    return sorted(await (await team.agent("reader")).listed())


async def test_another_person_applies_a_guarded_plan_and_the_journal_names_both(team: TeamServer) -> None:
    team.rule(ANA, second_person=True)
    ana, ben = await team.agent(ANA), await team.agent(BEN)
    task = await ana.create("Gone")
    plan = await ana("delete_task", id=task["id"])
    assert plan["note"].startswith(
        "Deleting a task stops at a plan: nothing was written. Show the difference to the person. "
        "Deleting a task has to be applied by another person than the one who planned it. "
        "Ask another person to look at the plan and to call "
        f"apply_plan with planId {plan['planId']}."
    )
    assert await refusal(ana, "apply_plan", planId=plan["planId"]) == "second_person"
    assert (await ana("apply_plan", planId=plan["planId"], dryRun=True))["count"] == 1
    assert (await ben("apply_plan", planId=plan["planId"], dryRun=True))["difference"][0]["title"] == "Gone"
    assert await titles(team) == ["Gone"]
    await ben("apply_plan", planId=plan["planId"])
    assert await titles(team) == []
    applied, refused, planned = (await team.changes())[:3]
    assert (applied.opening.caller.subject, applied.opening.plan_id) == (BEN, planned.id)
    assert (planned.opening.caller.subject, planned.outcome) == (ANA, "planned")
    for agent, is_shown in ((ana, False), (ben, True)):
        with pytest.raises(Refused) as used:
            await agent("apply_plan", planId=plan["planId"], dryRun=True)
        assert used.value.code == "plan_used"
        assert (applied.id in str(used.value.error)) is is_shown
    with pytest.raises(Refused) as not_undone:
        await ana("undo_change", changeId=plan["planId"])
    assert (not_undone.value.code, applied.id in str(not_undone.value.error)) == ("nothing_to_undo", False)
    assert (refused.opening.tool, refused.outcome, refused.ending and refused.ending.code) == (
        "apply_plan",
        "refused",
        "not_allowed",
    )


async def test_the_second_person_needs_scopes_and_rules_for_the_plan(team: TeamServer) -> None:
    ana = await team.agent(ANA)
    tasks = [await ana.create(f"Task {n}") for n in range(3)]
    team.rule(ANA, second_person=True)
    plan = await ana("delete_task", ids=[task["id"] for task in tasks])
    assert await refusal(await team.agent(BEN, WRITE), "apply_plan", planId=plan["planId"]) == "scope"
    ben = await team.agent(BEN)
    for rules, rule in (
        ({"most_tasks": 2}, "most_tasks"),
        ({"tools": "all,-delete_task"}, "tools"),
        ({"tools": "read"}, "tools"),
    ):
        team.rule(BEN, **rules)
        assert await refusal(ben, "apply_plan", planId=plan["planId"]) == rule
    nobody = await team.agent(None)
    with pytest.raises(Refused, match="made by another caller"):
        await nobody("apply_plan", planId=plan["planId"])
    assert len(await titles(team)) == 3


async def test_a_second_person_of_own_tasks_only_sees_no_plan_of_others(team: TeamServer) -> None:
    ana = await team.agent(ANA)
    both = await ana.create("Both", responsibleIds=["me", BEN])
    hers = await ana.create("Unspoken")
    team.rule(ANA, second_person=True)
    plans = [
        await ana("delete_task", ids=[hers["id"], both["id"]]),
        await ana("create_tasks", tasks=[body | {"title": f"Unspoken {n}"} for n, body in enumerate(ELEVEN)]),
    ]
    shared = await ana("delete_task", id=both["id"])
    team.rule(BEN, own_tasks_only=True)
    person = PersonAtClient("yes")
    ben = await team.agent(BEN, at_client=person)
    for plan in plans:
        for dry in ({"dryRun": True}, {}):
            assert await refusal(ben, "apply_plan", planId=plan["planId"], **dry) == "own_tasks_only"
        with pytest.raises(Refused, match="There is no change"):
            await ben("list_changes", changeId=plan["planId"])
    assert person.questions == []
    assert "deleted" in await ben("apply_plan", planId=shared["planId"])
    assert len(person.questions) == 1
    assert await titles(team) == ["Unspoken"]


async def test_a_plan_without_a_guard_can_be_applied_only_by_its_author(team: TeamServer) -> None:
    team.rule(second_person=True)
    ana, ben = await team.agent(ANA), await team.agent(BEN)
    plan = await ana("create_task", title="New", responsibleIds=[], priority="1", dryRun=True)
    assert "another person" not in plan["note"]
    with pytest.raises(Refused, match="There is no plan"):
        await ben("apply_plan", planId=plan["planId"])
    assert (await ana("apply_plan", planId=plan["planId"]))["task"]["title"] == "New"


async def test_a_plan_from_before_the_rule_has_no_second_person(team: TeamServer) -> None:
    ana, ben = await team.agent(ANA), await team.agent(BEN)
    plan = await ana("delete_task", id=(await ana.create("Stays"))["id"])
    team.rule(second_person=True)
    with pytest.raises(Refused) as refused:
        await ana("apply_plan", planId=plan["planId"])
    assert (refused.value.error["rule"], refused.value.error["next"]) == (
        "second_person",
        "Make the plan again: this one is older than that rule, and nobody else can see it.",
    )
    with pytest.raises(Refused, match="There is no plan"):
        await ben("apply_plan", planId=plan["planId"])
    team.rule()
    assert "deleted" in await ana("apply_plan", planId=plan["planId"])


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_the_maker_of_a_plan_for_others_is_not_asked_and_the_second_person_is(
    team: TeamServer, mode: str
) -> None:
    task = await (await team.agent(ANA)).create("Gone")
    team.rule(second_person=True)
    eager, careful = PersonAtClient("yes"), PersonAtClient("yes")
    ana, ben = (
        await team.agent(ANA, at_client=eager, mode=mode),
        await team.agent(BEN, at_client=careful, mode=mode),
    )
    plan = await ana("delete_task", id=task["id"])
    assert await refusal(ana, "apply_plan", planId=plan["planId"]) == "second_person"
    assert (eager.questions, await titles(team)) == ([], ["Gone"])
    assert "deleted" in await ben("apply_plan", planId=plan["planId"])
    assert (len(careful.questions), await titles(team)) == (1, [])


@pytest.mark.parametrize("filter_", [None, {}])
async def test_an_empty_filter_beside_ids_makes_no_change_by_filter(team: TeamServer, filter_: object) -> None:
    team.rule(second_person=True)
    ana = await team.agent(ANA, WRITE)
    task = await ana.create("Mine")
    sent = {"taskIds": [task["id"]], "filter": filter_, "changes": {"priority": "2"}}
    plan = await ana("bulk_update_tasks", dryRun=True, **sent)
    assert "by filter" not in plan["note"]
    (planned,) = [change for change in await team.changes() if change.id == plan["planId"]]
    assert (planned.opening.by_filter, planned.opening.second_person) == (False, False)
    assert "changeId" in await ana("apply_plan", planId=plan["planId"])


async def test_an_undo_that_deletes_needs_a_second_person_too(team: TeamServer) -> None:
    team.rule(second_person=True)
    ana, ben = await team.agent(ANA), await team.agent(BEN)
    made = await ana("create_task", title="Made", responsibleIds=[], priority="1")
    plan = await ana("undo_change", changeId=made["changeId"])
    assert await titles(team) == ["Made"]
    assert await refusal(ana, "apply_plan", planId=plan["planId"]) == "second_person"
    assert "deleted" in await ben("apply_plan", planId=plan["planId"])


async def test_a_caller_without_the_destructive_scope_cannot_delete_undo_or_change_by_filter(team: TeamServer) -> None:
    everything, writer = await team.agent(ANA), await team.agent(ANA, WRITE, PersonAtClient("yes"))
    made = await writer("create_task", title="Made", responsibleIds=[], priority="1")
    assert await refusal(writer, "undo_change", changeId=made["changeId"]) == "scope"
    undo = await writer("undo_change", changeId=made["changeId"], dryRun=True)
    assert await refusal(writer, "apply_plan", planId=undo["planId"]) == "scope"
    await writer("update_task", id=made["task"]["id"], priority="2")
    plan = await writer("bulk_update_tasks", filter={"text": "Made"}, changes={"priority": "0"})
    assert "A change by filter needs the scope destructive, which you do not have." in plan["note"]
    assert await refusal(writer, "apply_plan", planId=plan["planId"]) == "scope"
    deletion = await everything("delete_task", id=made["task"]["id"])
    assert await refusal(writer, "apply_plan", planId=deletion["planId"]) == "scope"
    changed = await writer("create_task", title="Other", responsibleIds=[], priority="1", dryRun=True)
    assert (await writer("apply_plan", planId=changed["planId"]))["task"]["title"] == "Other"
    assert "changeId" in await everything("apply_plan", planId=plan["planId"])
    assert all(change.opening.caller.subject == ANA for change in await team.changes())


async def test_one_change_has_at_most_as_many_tasks_as_the_policy_says(team: TeamServer) -> None:
    ana = await team.agent(ANA)
    made = await ana("create_tasks", tasks=FIVE)
    ids = [row["id"] for row in (await ana("list_tasks"))["tasks"]]
    wide = await ana("delete_task", ids=ids)
    team.rule(most_tasks=4)
    edit = {"changes": {"priority": "2"}}
    for tool, arguments in (
        ("create_tasks", {"tasks": [body | {"title": f"New {body['title']}"} for body in FIVE]}),
        ("create_tasks", {"tasks": FIVE, "dryRun": True}),
        ("bulk_update_tasks", {"taskIds": ids} | edit),
        ("bulk_update_tasks", {"taskIds": [*ids[:3], "nope", "never"]} | edit),
        ("bulk_update_tasks", {"filter": {"text": "Task"}} | edit),
        ("delete_task", {"ids": ids}),
        ("undo_change", {"changeId": made["changeId"]}),
        ("undo_change", {"changeId": made["changeId"], "dryRun": True}),
        ("apply_plan", {"planId": wide["planId"]}),
    ):
        assert await refusal(ana, tool, **arguments) == "most_tasks", tool
        assert (await team.changes())[0].outcome == "refused"
    assert len(await titles(team)) == 5
    assert "planId" in await ana("undo_change", changeId=made["changeId"], taskIds=ids[1:], dryRun=True)
    assert "totals" in await ana("bulk_update_tasks", taskIds=ids[2:], **edit)
    assert "planId" in await ana("bulk_update_tasks", filter={"text": "Task 1"}, changes={"priority": "0"})
    assert (await ana("undo_change", changeId=made["changeId"], taskIds=ids[:2]))["totals"] == {"applied": 2}


async def test_the_second_person_need_not_say_on_which_connection_a_plan_is(tmp_path: Path) -> None:
    policy = Policy(everyone={"second_person": True}, people={EVE: {"connections": frozenset({"north"})}})
    async with AsyncExitStack() as stack:
        connections = await stack.enter_async_context(open_store_connections(tmp_path))
        ana, ben, eve = [
            await stack.enter_async_context(client_of(connections, person, policy=policy)) for person in (ANA, BEN, EVE)
        ]
        made = await answer_of(ana, "create_task", title="Gone", responsibleIds=[], connection="south")
        plan = await answer_of(ana, "delete_task", id=made["task"]["id"], connection="south")
        assert "deleted" not in await answer_of(eve, "apply_plan", planId=plan["planId"])
        assert (await answer_of(ana, "apply_plan", planId=plan["planId"]))["rule"] == "second_person"
        assert "deleted" in await answer_of(ben, "apply_plan", planId=plan["planId"])
