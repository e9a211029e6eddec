"""Plans, deletions and undo with the features that only Close has."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from mcp import Client

from backends.close.sandboxed_app import ANA, CAROLINA, LEAD, TASK, Time, close, row, sandboxed_app, task_id
from behaviour.agent import Agent, Refused
from behaviour.world import NOW
from taskhand.backends.close.errors import MESSAGES as CLOSE
from taskhand.domain.principal import Person
from taskhand.sandbox.close import CloseSandbox, SpecVariant
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.server import serve_sandbox
from taskhand.server.access import Access
from taskhand.server.app import create_server

FINE = "2026-03-10T15:00:00.123456+00:00"
DELETE, BULK = "DELETE /api/v1/task/{id}", "PUT /api/v1/task"
NOTE = "POST /api/v1/activity/note"
IDS = [task_id(number) for number in range(1, 7)]


@asynccontextmanager
async def agent_on(sandbox: CloseSandbox, time: Time | None = None, **options: Any) -> AsyncIterator[Agent]:
    async with agents_on(sandbox, [None], time, **options) as [agent]:
        yield agent


@asynccontextmanager
async def agents_on(
    sandbox: CloseSandbox, persons: Sequence[str | None], time: Time | None = None, **options: Any
) -> AsyncIterator[list[Agent]]:
    """An agent for each of these persons, on one server; None for nobody who is known."""
    async with (
        serve_sandbox(sandbox) as url,
        sandboxed_app(url, time or Time(), timezone="America/Santiago", **options) as app,
        AsyncExitStack() as stack,
    ):
        servers = [create_server(app, access=Access(person=Person.parse(one) if one else None)) for one in persons]
        yield [Agent(await stack.enter_async_context(Client(server))) for server in servers]


def stored_tasks(sandbox: CloseSandbox) -> list[dict[str, Any]]:
    """What Close has, but for the traces of a write and of a new task."""
    traces = {"id", "date_updated", "updated_by", "updated_by_name", "date_created", "object_id"}
    return [{name: value for name, value in each.items() if name not in traces} for each in sandbox.tasks]


async def test_undo_of_a_bulk_change_restores_due_times_to_the_microsecond() -> None:
    days = (FINE, FINE, FINE, "2026-03-11", None, FINE)
    sandbox = close([row(number, date=day, priority="high") for number, day in enumerate(days, start=1)])
    before = stored_tasks(sandbox)
    async with agent_on(sandbox) as agent:
        changes = {"dueDate": "2026-04-01", "responsibleIds": [ANA]}
        done = await agent("bulk_update_tasks", taskIds=IDS, changes=changes)
        assert stored_tasks(sandbox) != before
        undone = await agent("undo_change", changeId=done["changeId"])
    assert undone["totals"] == {"applied": 6}
    assert stored_tasks(sandbox) == before


async def test_undo_does_not_send_a_priority_that_close_never_listed() -> None:
    sandbox = close([row(1, priority="high")], spec_variant=SpecVariant(priority="absent"))
    async with agent_on(sandbox) as agent:
        done = await agent("update_task", id=TASK, priority="1", title="Otherwise")
        undone = await agent("undo_change", changeId=done["changeId"])
    assert undone["task"]["title"] == "Call Acme 1"
    assert "priority" in undone["note"]
    assert sandbox.tasks[0]["priority"] == "medium"


@pytest.mark.parametrize(
    ("fault", "is_unknown"), [(Fault("reset_before", NOTE), True), (Fault("status", NOTE, status=400), False)]
)
async def test_a_note_in_doubt_is_unreadable_and_a_refused_one_is_unapplied(fault: Fault, *, is_unknown: bool) -> None:
    async with agent_on(close(2, [fault])) as agent:
        done = await agent("update_task", id=TASK, title="New", addNote="Called")
    assert done["changed"] == {"title": {"from": "Call Acme 1", "to": "New"}}
    assert done["unapplied"] == ([] if is_unknown else [{"field": "addNote", "asked": "Called", "got": None}])
    assert done["task"].get("unreadable", []) == (["note"] if is_unknown else [])


@pytest.mark.parametrize("behind_s", [-300, 0, 300])
async def test_a_lost_new_task_and_a_lost_note_are_found_by_a_clock_of_close_that_is_not_ours(behind_s: int) -> None:
    at = NOW - timedelta(seconds=behind_s)
    sandbox = close(1, [Fault("reset_after", one) for one in ("POST /api/v1/task", NOTE)], clock=lambda: at)
    async with agent_on(sandbox) as agent:
        made = await agent("create_task", title="Call again", aiCustomerId=LEAD, responsibleIds=[ANA], priority="1")
        noted = await agent("update_task", id=TASK, addNote="Called")
    assert (made["note"], noted["unapplied"]) == (CLOSE.found, [])
    assert (len(sandbox.tasks), len(sandbox._store.notes)) == (2, 1)  # noqa: SLF001


@pytest.mark.parametrize("kind", ["lead", "outgoing_call"])
async def test_a_deletion_whose_answer_is_lost_can_be_undone(kind: str) -> None:
    time = Time()
    sandbox = close([row(1, _type=kind, date=FINE, contact_id=CAROLINA), row(2)], clock=time.moment)
    before = stored_tasks(sandbox)
    async with agent_on(sandbox, time) as agent:
        plan = await agent("delete_task", id=TASK)
        sandbox.faults = (Fault("reset_after", DELETE),)
        gone = await agent("apply_plan", planId=plan["planId"])
        assert gone["note"] == CLOSE.removed
        assert len((await agent("list_tasks"))["tasks"]) == 1
        await agent("undo_change", changeId=gone["changeId"])
        assert len((await agent("list_tasks"))["tasks"]) == 2
    assert sorted(stored_tasks(sandbox), key=str) == sorted(before, key=str)


async def test_a_task_of_an_automatic_type_is_deleted_and_not_recreated() -> None:
    sandbox = close([row(1, _type="missed_call", text=None, date="2026-03-10")])
    async with agent_on(sandbox) as agent:
        plan = await agent("delete_task", id=TASK)
        assert "Undo cannot make it again: Only Close itself creates tasks of the type missed_call" in plan["note"]
        gone = await agent("apply_plan", planId=plan["planId"])
        assert gone["note"] == "The task is deleted."
        with pytest.raises(Refused) as refused:
            await agent("undo_change", changeId=gone["changeId"])
    assert (refused.value.code, sandbox.tasks) == ("cannot_recreate", [])


async def test_the_plan_of_several_deletions_says_how_many_cannot_be_made_again() -> None:
    sandbox = close([row(1, _type="voicemail", date="2026-03-10"), row(2)])
    async with agent_on(sandbox) as agent:
        plan = await agent("delete_task", ids=[TASK, task_id(2)])
        assert "Undo cannot make 1 of them again: Only Close itself creates tasks of the type voicemail" in plan["note"]
        assert "Undo cannot bring back: id, created_at, creator_id." in plan["note"]
        gone = await agent("apply_plan", planId=plan["planId"])
        back = await agent("undo_change", changeId=gone["changeId"])
    assert back["totals"] == {"applied": 1, "refused": 1}
    assert [one["_type"] for one in sandbox.tasks] == ["lead"]


async def test_a_rate_limited_bulk_change_returns_the_ids_to_retry() -> None:
    sandbox = close(400, spec_variant=SpecVariant(rates="hidden"))
    async with agent_on(sandbox) as agent:
        ids = [task_id(number) for number in range(1, 401)]
        plan = await agent("bulk_update_tasks", taskIds=ids, changes={"newStatusName": "Completed"})
        sandbox.faults = (Fault("status", BULK, status=429, retry_after=3600, nth="every"),)
        done = await agent("apply_plan", planId=plan["planId"])
    assert done["totals"]["not_attempted"] >= 100
    assert len(done["retryIds"]) == 400
    assert not any(each["is_complete"] for each in sandbox.tasks)
