"""Several persons on one server: plans, keys, changes and questions of one are not another's."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pytest
from mcp.types import ElicitRequestParams, ElicitResult, Implementation, InputRequiredResult, InputResponses

from server.store_connections import answer_of, client_of, open_store_connections, settings_in
from taskhand.domain.edit import Edit
from taskhand.domain.policy import Policy
from taskhand.domain.principal import Person
from taskhand.domain.snapshot import Snapshot
from taskhand.journal.journal import Caller, ChangeQuery, Ending, Intent, Opening, Result
from taskhand.service.connections import Connections
from taskhand.wiring import open_journal

ANA, BOB, EVE, BOTH = "ana@x.test", "bob@x.test", "eve@x.test", "both@x.test"
TASK = {"title": "Llamar", "responsibleIds": [], "connection": "north"}
AUDITOR = Policy(people={EVE: {"sees_all_changes": True}, BOTH: {"sees_all_changes": True, "own_tasks_only": True}})

Ask = Callable[..., Awaitable[Mapping[str, Any]]]


@pytest.fixture
async def connections(tmp_path: Path) -> AsyncIterator[Connections]:
    async with open_store_connections(tmp_path) as connections:
        yield connections


@pytest.fixture
async def calls_as(connections: Connections) -> AsyncIterator[Callable[..., Awaitable[Ask]]]:
    """Connects a client with which a person calls."""
    async with AsyncExitStack() as stack:

        async def connect(person: str | None, host: str = "host") -> Ask:
            info = Implementation(name=host, version="1")
            client = await stack.enter_async_context(client_of(connections, person, policy=AUDITOR, client_info=info))

            async def ask(tool: str, **arguments: Any) -> Mapping[str, Any]:
                return await answer_of(client, tool, **arguments)

            return ask

        yield connect


Connect = Callable[..., Awaitable[Ask]]


async def test_a_change_of_a_person_who_signs_in_is_found_by_the_e_mail_of_the_token(connections: Connections) -> None:
    async with client_of(connections, Person("https://login.x.test#ana", ANA), policy=AUDITOR) as client:
        made = await answer_of(client, "create_task", **TASK)
    for person, found in ((ANA, [made["changeId"]]), (BOB, [])):
        page = await connections.find("north").journal.page(ChangeQuery(person=person))
        assert [one.id for one in page.changes] == found


async def test_the_journal_has_no_e_mail_beside_a_person_who_is_one(
    calls_as: Connect, connections: Connections
) -> None:
    await (await calls_as("Ana@X.test"))("create_task", **TASK)
    [change] = (await connections.find("north").journal.page(ChangeQuery())).changes
    assert (change.opening.caller.subject, change.opening.caller.email) == (ANA, None)


async def test_a_plan_of_another_person_is_answered_as_one_that_does_not_exist(calls_as: Connect) -> None:
    ana, bob = await calls_as(ANA), await calls_as(BOB)
    plan = await ana("create_task", **TASK, dryRun=True)
    for named in ({}, {"connection": "north"}):
        theirs = await bob("apply_plan", planId=plan["planId"], **named)
        nobodys = await bob("apply_plan", planId="plan_0000000000", **named)
        assert str(theirs).replace(plan["planId"], "plan_0000000000") == str(nobodys)
    assert theirs["code"] == "plan_not_found"
    assert "task" in await ana("apply_plan", planId=plan["planId"])


async def test_a_plan_of_a_person_is_applied_with_any_client_of_that_person(calls_as: Connect) -> None:
    plan = await (await calls_as(ANA, "Claude"))("create_task", **TASK, dryRun=True)
    assert "task" in await (await calls_as("Ana@X.test", "Cursor"))("apply_plan", planId=plan["planId"])


async def test_an_idempotency_key_belongs_to_a_person_across_clients(calls_as: Connect) -> None:
    ana, bob, at_home = await calls_as(ANA), await calls_as(BOB), await calls_as(ANA, "another")
    first = await ana("create_task", **TASK, idempotencyKey="k")
    other = await bob("create_task", **TASK | {"title": "Otra"}, idempotencyKey="k")
    again = await at_home("create_task", **TASK, idempotencyKey="k")
    assert other["task"]["title"] == "Otra"
    assert (again["task"]["id"], again["replayed"]) == (first["task"]["id"], True)


async def test_the_same_task_is_created_once_for_each_person(calls_as: Connect) -> None:
    ana, bob, at_home = await calls_as(ANA), await calls_as(BOB), await calls_as(ANA, "another")
    first, second = await ana("create_task", **TASK), await bob("create_task", **TASK)
    assert first["task"]["id"] != second["task"]["id"]
    assert (await at_home("create_task", **TASK))["task"]["id"] == first["task"]["id"]


async def test_changes_of_another_person_cannot_be_listed_found_or_undone(calls_as: Connect) -> None:
    ana, bob = await calls_as(ANA), await calls_as(BOB)
    made = await ana("create_task", **TASK)
    await bob("create_task", **TASK | {"title": "Otra"})
    listed = await bob("list_changes", connection="north")
    assert [row["title"] for row in listed["changes"]] == ["Otra"]
    of_task = await bob("list_changes", connection="north", taskId=made["task"]["id"])
    assert of_task["changes"] == []
    for tool in ("list_changes", "undo_change"):
        theirs = await bob(tool, connection="north", changeId=made["changeId"])
        nobodys = await bob(tool, connection="north", changeId="chg_0000000000")
        assert theirs["code"] == "change_not_found"
        assert str(theirs).replace(made["changeId"], "chg_0000000000") == str(nobodys)


async def test_a_person_who_sees_all_changes_can_undo_one_of_another_named_person(calls_as: Connect) -> None:
    ana, eve = await calls_as(ANA), await calls_as(EVE)
    made = await ana("create_task", **TASK)
    edited = await ana("update_task", connection="north", id=made["task"]["id"], title="Escribir")
    assert len((await eve("list_changes", connection="north"))["changes"]) == 2
    undone = await eve("undo_change", changeId=edited["changeId"])
    assert undone["task"]["title"] == "Llamar"
    assert f"{edited['changeId']} is a change of {ANA}." in undone["note"]
    assert undone["changeId"] not in str(await ana("list_changes", connection="north"))
    assert undone["changeId"] not in str(await ana("undo_change", changeId=edited["changeId"]))
    again = await eve("undo_change", changeId=edited["changeId"])
    assert f"{undone['changeId']} has already undone {edited['changeId']}." in str(again)


async def test_a_task_that_another_has_made_again_is_answered_without_the_change_of_that_person(
    calls_as: Connect,
) -> None:
    ana, eve = await calls_as(ANA), await calls_as(EVE)
    made = await ana("create_task", **TASK)
    plan = await ana("delete_task", connection="north", id=made["task"]["id"])
    deleted = await ana("apply_plan", planId=plan["planId"])
    planned = await ana("undo_change", changeId=deleted["changeId"], dryRun=True)
    again = await eve("undo_change", changeId=deleted["changeId"])
    for tool, sent in (
        ("apply_plan", {"planId": planned["planId"]}),
        ("undo_change", {"changeId": deleted["changeId"]}),
    ):
        answer = await ana(tool, **sent)
        assert (answer["replayed"], answer["task"]["id"]) == (True, again["task"]["id"])
        assert "changeId" not in answer
    assert (await eve("undo_change", changeId=deleted["changeId"]))["changeId"] == again["changeId"]


async def test_a_change_that_another_has_undone_is_not_gone_on_with_and_that_undo_stays_hidden(
    connections: Connections, calls_as: Connect
) -> None:
    app, edit = connections.find("north"), Edit(priority=2)
    tasks = [(await app.backend.create_task(Edit(title=title, priority=1))).task for title in ("Uno", "Dos")]
    after = (await app.backend.update_task(tasks[0], edit)).task
    change = await app.journal.record(
        Opening("bulk_update_tasks", Caller("host", "1", ANA), app.clock(), connection="north"),
        Ending("applied"),
        [Intent("update", Snapshot(one), edit, edit) for one in tasks],
        [Result(0, "applied", after.id, after), Result(1, "not_attempted", tasks[1].id)],
    )
    undone = await (await calls_as(EVE))("undo_change", changeId=change.id)
    assert undone["task"]["priority"] == 1
    refused = await (await calls_as(ANA))("apply_plan", planId=change.id)
    assert (refused["code"], refused["message"]) == (
        "plan_used",
        f"{change.id} was undone by another person; nothing more was written.",
    )
    assert undone["changeId"] not in str(refused)


async def test_a_person_limited_to_own_tasks_does_not_see_all_changes(calls_as: Connect) -> None:
    ana, both = await calls_as(ANA), await calls_as(BOTH)
    made = await ana("create_task", **TASK)
    assert (await both("list_changes", connection="north"))["changes"] == []
    assert (await both("undo_change", changeId=made["changeId"]))["code"] == "change_not_found"


async def test_a_person_who_sees_all_changes_may_not_apply_plans_of_others(calls_as: Connect) -> None:
    ana, eve = await calls_as(ANA), await calls_as(EVE)
    plan = await ana("create_task", **TASK, dryRun=True)
    assert (await eve("apply_plan", planId=plan["planId"]))["code"] == "plan_of_another"


async def test_changes_recorded_without_authentication_have_no_person(calls_as: Connect) -> None:
    nobody, ana, eve = await calls_as(None), await calls_as(ANA), await calls_as(EVE)
    made = await nobody("create_task", **TASK)
    planned = await nobody("create_task", **TASK | {"title": "Otra"}, dryRun=True)
    assert (await ana("list_changes", connection="north"))["changes"] == []
    assert (await ana("undo_change", connection="north", changeId=made["changeId"]))["code"] == "change_not_found"
    assert (await ana("apply_plan", connection="north", planId=planned["planId"]))["code"] == "plan_not_found"
    undone = await eve("undo_change", changeId=made["changeId"], dryRun=True)
    assert "an unknown caller" in undone["note"]
    await ana("create_task", **TASK | {"title": "De Ana"})
    seen = await nobody("list_changes", connection="north", outcome="applied")
    assert [row["title"] for row in seen["changes"]] == ["De Ana", "Llamar"], "with no person, all are seen"


async def test_pages_of_own_changes_are_whole(calls_as: Connect) -> None:
    ana, bob = await calls_as(ANA), await calls_as(BOB)
    for number in range(5):
        await ana("create_task", **TASK | {"title": f"Ana {number}"})
        await bob("create_task", **TASK | {"title": f"Bob {number}"})
    titles: list[str] = []
    more: dict[str, Any] = {}
    while True:
        page = await ana("list_changes", connection="north", limit=2, **more)
        titles += [row["title"] for row in page["changes"]]
        if "nextCursor" not in page:
            break
        more = {"cursor": page["nextCursor"]}
    assert titles == [f"Ana {number}" for number in (4, 3, 2, 1, 0)]


async def test_a_call_of_one_person_settles_the_change_that_a_dead_process_left_of_another(
    tmp_path: Path, connections: Connections, calls_as: Connect
) -> None:
    app, (north, _) = connections.find("north"), settings_in(tmp_path)
    task = (await app.backend.create_task(Edit(title="Llamar", priority=1))).task
    dead, renamed = open_journal(north), Edit(title="Escribir")
    opening = Opening("update_task", Caller("dead", "1", ANA), datetime(2026, 3, 2, tzinfo=UTC))
    change, _ = await dead.begin(opening, [Intent("update", Snapshot(task), renamed, renamed)])
    await dead.aclose()
    await (await calls_as(BOB))("create_task", **TASK | {"title": "De Bob"})
    found = await app.journal.find(change.id)
    assert found is not None
    assert found.outcome == "not_applied"


@pytest.mark.parametrize("answer", ["accept", "decline", "cancel"])
async def test_the_answer_to_a_question_to_one_person_does_nothing_for_another(
    connections: Connections, calls_as: Connect, answer: Literal["accept", "decline", "cancel"]
) -> None:
    ana = await calls_as(ANA)
    task_id = (await ana("create_task", **TASK))["task"]["id"]
    sent = {"connection": "north", "id": task_id}
    yes: InputResponses = {
        "confirm": ElicitResult(action=answer, content={"confirm": True} if answer == "accept" else None)
    }
    more: dict[str, Any] = {"mode": "2026-07-28", "elicitation_callback": _never_asked}
    async with client_of(connections, ANA, **more) as hers, client_of(connections, BOB, **more) as his:
        asked = await hers.session.call_tool("delete_task", sent, allow_input_required=True)
        assert isinstance(asked, InputRequiredResult)
        state = asked.request_state
        refused = await his.session.call_tool("delete_task", sent, input_responses=yes, request_state=state)
        assert "plan_not_found" in str(refused.content)
        assert (await ana("get_task", connection="north", id=task_id))["task"]["id"] == task_id
        done = await hers.session.call_tool("delete_task", sent, input_responses=yes, request_state=state)
        assert ("deleted" in str(done.content)) == (answer == "accept")


async def _never_asked(_: Any, __: ElicitRequestParams) -> ElicitResult:
    raise AssertionError("the question is answered by hand")
