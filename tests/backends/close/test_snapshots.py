"""Snapshots with Close's raw values: undo restores values that the contract cannot express, and writes no guess."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from backends.close.sandboxed_app import ANA, CAROLINA, ELENA, LEAD, TASK, close, on_close, row, task_id
from taskhand.backends.close.fields.task_types import INBOX
from taskhand.backends.close.mapping import DONE, OPEN, update_body
from taskhand.domain.due import Due, due_of
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, OutcomeUnknown
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import StatusChoice
from taskhand.sandbox.close import CloseSandbox, SpecVariant
from taskhand.sandbox.faults import Fault

FINE = "2026-03-10T15:00:00.123456+00:00"
"""The contract's instants have milliseconds."""
DATES = ("2026-03-10", FINE, "2026-03-10T00:00:00+00:00", None)
POST = "POST /api/v1/task"
AUTOMATIC = [kind for kind in INBOX if kind not in {"lead", "outgoing_call"}]
OTHERWISE = Edit(
    title="Otherwise", due=Due(date(2026, 5, 1)), responsible_ids=(ANA,), priority=1, status=StatusChoice.of(DONE)
)


def inverse_edit(before: Snapshot, *names: str, **values: Any) -> Edit:
    """The edit that puts all of these fields back, in Close's own values."""
    task = before.task
    status = StatusChoice.of(task.status_config or OPEN)
    all_of_it: dict[str, Any] = {
        "title": task.title,
        "due": due_of(task),
        "responsible_ids": task.responsible_ids,
        "priority": task.priority,
        "status": status,
        "ai_customer_id": task.ai_customer_id,
        "ai_contact_id": task.ai_contact_id,
    }
    return Edit(**{name: all_of_it[name] for name in names}, **values, native=before.native)


def stored_fields(sandbox: CloseSandbox, one: str = TASK, *, but: tuple[str, ...] = ()) -> dict[str, Any]:
    """What Close has of a task, but for these fields and what a write leaves behind."""
    found = next(each for each in sandbox.tasks if each["id"] == one)
    left_out = {"date_updated", "updated_by", "updated_by_name", *but}
    return {name: value for name, value in found.items() if name not in left_out}


async def test_one_task_takes_one_get_and_many_take_one_request_per_hundred() -> None:
    sandbox = close(120)
    async with on_close(sandbox) as backend:
        assert list(await backend.snapshots([TASK, TASK])) == [TASK]
        assert await backend.snapshots([task_id(999)], fresh=True) == {}
        found = await backend.snapshots([task_id(number) for number in (*range(120, 0, -1), 999)], fresh=True)
        assert await backend.snapshots([]) == {}
        assert found[TASK] == (await backend.snapshots([TASK]))[TASK]
        assert found[TASK].task == await backend.get_task(TASK)
    assert list(found) == [task_id(number) for number in range(120, 0, -1)]
    one = "GET /api/v1/task/{id}"
    assert [request.route for request in sandbox.requests] == [one, one, *["GET /api/v1/task"] * 2, one, one]


async def test_raw_values_are_the_fields_of_close_as_json() -> None:
    sandbox = close([row(1, date=FINE, priority="high", contact_id=CAROLINA)])
    async with on_close(sandbox) as backend:
        native = (await backend.snapshots([TASK]))[TASK].native
    assert json.loads(json.dumps(native)) == {
        "_type": "lead",
        "text": "Call Acme 1",
        "date": FINE,
        "is_dateless": False,
        "due_date": FINE,
        "assigned_to": ELENA,
        "priority": "high",
        "is_complete": False,
        "lead_id": LEAD,
        "contact_id": CAROLINA,
    }


@pytest.mark.parametrize(
    "spec_variant", [SpecVariant(), SpecVariant(due_date="absent"), SpecVariant(dateless_date="null")], ids=str
)
@pytest.mark.parametrize("day", DATES)
async def test_undo_restores_a_task_exactly(day: str | None, spec_variant: SpecVariant) -> None:
    sandbox = close([row(1, date=day, priority="high")], spec_variant=spec_variant)
    stored = stored_fields(sandbox)
    async with on_close(sandbox) as backend:
        before = (await backend.snapshots([TASK]))[TASK]
        changed = (await backend.update_task(before.task, OTHERWISE)).task
        assert stored_fields(sandbox) != stored
        edit = inverse_edit(before, "title", "due", "responsible_ids", "priority", "status")
        after = (await backend.update_task(changed, edit)).task
    assert stored_fields(sandbox) == stored
    assert after == before.task


@pytest.mark.parametrize("day", DATES)
async def test_undo_restores_a_removed_date_and_removes_an_added_one(day: str | None) -> None:
    sandbox = close([row(1, date=day)])
    stored = stored_fields(sandbox)
    async with on_close(sandbox) as backend:
        before = (await backend.snapshots([TASK]))[TASK]
        other = Edit(due=None if day else Due(date(2026, 4, 1)))
        changed = (await backend.update_task(before.task, other)).task
        await backend.update_task(changed, inverse_edit(before, "due"))
    assert stored_fields(sandbox) == stored


def test_raw_values_are_sent_unchanged() -> None:
    native = {"text": " x", "date": FINE, "assigned_to": "user_1", "priority": "High", "is_complete": True}
    edit = Edit(title="x", due=Due(date(2026, 3, 10)), responsible_ids=(), priority=2, native=native)
    sent = {name: native[name] for name in native if name != "is_complete"}
    assert update_body(edit, dateless=False) == sent
    assert update_body(
        replace(edit, native={"date": FINE, "due_date": None}, responsible_ids=(ANA,)), dateless=False
    ) == {
        "text": "x",
        "is_dateless": True,
        "assigned_to": ANA,
        "priority": "high",
    }


async def test_without_raw_values_the_contracts_values_are_sent() -> None:
    sandbox = close([row(1, date=FINE)])
    async with on_close(sandbox) as backend:
        before = (await backend.snapshots([TASK]))[TASK]
        await backend.update_task(before.task, replace(inverse_edit(before, "due"), native=None))
    assert sandbox.requests[-1].body == {"date": "2026-03-10T15:00:00.123000+00:00"}


async def test_raw_values_of_unset_fields_are_not_sent() -> None:
    sandbox = close([row(1, date=FINE, priority="high")])
    async with on_close(sandbox) as backend:
        before = (await backend.snapshots([TASK]))[TASK]
        await backend.update_task(before.task, inverse_edit(before, "title"))
    assert sandbox.requests[-1].body == {"text": "Call Acme 1"}


@pytest.mark.parametrize("kind", [kind for kind in INBOX if kind != "lead"])
async def test_undo_restores_the_changeable_fields_of_a_task_of_another_type(kind: str) -> None:
    sandbox = close([row(1, _type=kind, text=None, date=FINE)])
    stored = stored_fields(sandbox)
    async with on_close(sandbox) as backend:
        before = (await backend.snapshots([TASK]))[TASK]
        assert before.unknown == frozenset()
        moved = Edit(due=OTHERWISE.due, responsible_ids=(ANA,), status=OTHERWISE.status)
        changed = (await backend.update_task(before.task, moved)).task
        await backend.update_task(changed, inverse_edit(before, "due", "responsible_ids", "status"))
    assert stored_fields(sandbox) == stored


async def test_undo_restores_the_dates_of_many_tasks_each_to_its_own() -> None:
    days = [FINE] * 4 + ["2026-03-10"] * 3 + [None] * 2
    sandbox = close([row(number, date=day) for number, day in enumerate(days, start=1)])
    ids = [task_id(number) for number in range(1, 10)]
    stored = [stored_fields(sandbox, one) for one in ids]
    async with on_close(sandbox) as backend:
        before = list((await backend.snapshots(ids)).values())
        moved = Edit(due=Due(date(2026, 4, 1)), responsible_ids=(ANA,))
        changed = await backend.update_tasks([(one.task, moved) for one in before])
        edits = [inverse_edit(one, "due", "responsible_ids") for one in before]
        now = [outcome.written.task for outcome in changed if outcome.written]
        sandbox.clear_requests()
        outcomes = await backend.update_tasks(list(zip(now, edits, strict=True)))
    assert all(outcome.written for outcome in outcomes)
    assert [stored_fields(sandbox, one) for one in ids] == stored
    puts = sorted(str(one.route) for one in sandbox.requests if one.method == "PUT")
    assert puts == ["PUT /api/v1/task"] * 2 + ["PUT /api/v1/task/{id}"] * 2


async def test_an_unlisted_priority_is_unknown_until_one_is_sent() -> None:
    rows = [row(1), row(2, _type="outgoing_call"), row(3, _type="missed_call", text=None)]
    sandbox = close(rows, spec_variant=SpecVariant(priority="absent"))
    ids = [task_id(number) for number in (1, 2, 3)]
    async with on_close(sandbox) as backend:
        found = await backend.snapshots(ids)
        assert [one.unknown for one in found.values()] == [{"priority"}, frozenset(), frozenset()]
        assert "priority" not in found[TASK].native
        await backend.update_task(found[TASK].task, Edit(priority=2))
        for now in (await backend.snapshots([TASK]), await backend.snapshots(ids)):
            assert (now[TASK].unknown, now[TASK].native["priority"]) == (frozenset(), "high")


BORN = ("id", "date_created", "created_by", "created_by_name", "object_id")
"""What is of the new task alone."""


@pytest.mark.parametrize("fields", [{"priority": "high"}, {"is_complete": True}, {"contact_id": CAROLINA}], ids=str)
@pytest.mark.parametrize("day", DATES)
async def test_a_deleted_task_is_recreated_exactly(day: str | None, fields: dict[str, Any]) -> None:
    sandbox = close([row(1, date=day, assigned_to=ANA, **fields)])
    stored = stored_fields(sandbox, but=BORN)
    async with on_close(sandbox, close_new_task_type="outgoing_call") as backend:
        made = await made_again(backend, "ai_customer_id", "ai_contact_id", "priority")
    assert made != TASK
    assert stored_fields(sandbox, made, but=BORN) == stored


@pytest.mark.parametrize("text", [None, "Ring about the renewal"])
@pytest.mark.parametrize("day", [FINE, None])
async def test_a_deleted_call_is_recreated_as_a_call_whatever_is_configured(day: str | None, text: str | None) -> None:
    sandbox = close([row(1, _type="outgoing_call", text=text, date=day, contact_id=CAROLINA)])
    stored = stored_fields(sandbox, but=BORN)
    async with on_close(sandbox) as backend:
        made = await made_again(backend, "ai_customer_id", "ai_contact_id", "priority")
    assert stored_fields(sandbox, made, but=BORN) == stored


async def test_a_task_with_an_unknown_priority_is_recreated_without_one() -> None:
    sandbox = close([row(1, priority="high")], spec_variant=SpecVariant(priority="absent"))
    async with on_close(sandbox) as backend:
        made = await made_again(backend, "ai_customer_id")
    assert "priority" not in (sandbox.requests[-1].body or {})
    assert stored_fields(sandbox, made)["priority"] == "medium"


async def made_again(backend: Any, *names: str) -> str:
    """Delete the first task and make it again, with these fields too: its new id."""
    before = (await backend.snapshots([TASK]))[TASK]
    await backend.delete_task(before.task)
    edit = inverse_edit(before, "title", "due", "responsible_ids", "status", *names)
    written = await backend.create_task(edit)
    assert not any(edit.unmet_by(written.task).given_fields())
    return str(written.task.id)


@pytest.mark.parametrize("kind", [*AUTOMATIC, "something_new"])
async def test_a_task_that_close_creates_automatically_cannot_be_recreated(kind: str) -> None:
    sandbox = close([row(1, date="2026-03-10")])
    async with on_close(sandbox) as backend:
        before = (await backend.snapshots([TASK]))[TASK]
        sandbox.clear_requests()
        edit = replace(inverse_edit(before, "title", "ai_customer_id"), native={**before.native, "_type": kind})
        with pytest.raises(CallerError, match=kind) as refused:
            await backend.create_task(edit)
    assert (refused.value.code, sandbox.requests) == ("cannot_recreate", ())


async def test_a_call_of_a_voice_agent_is_not_recreated_because_it_would_call_a_person() -> None:
    call = row(1, _type="outgoing_call", contact_id=CAROLINA, agent_config_id="agent_1")
    sandbox = close([call])
    async with on_close(sandbox) as backend:
        before = (await backend.snapshots([TASK]))[TASK]
        with pytest.raises(CallerError, match="voice agent") as refused:
            await backend.create_task(inverse_edit(before, "title", "ai_customer_id", "ai_contact_id"))
    assert refused.value.code == "cannot_recreate"
    assert len(sandbox.tasks) == 1


@pytest.mark.parametrize(("fault", "count"), [("reset_after", 2), ("reset_before", 1)])
async def test_a_recreated_task_with_a_lost_answer_is_found_or_unknown(fault: Any, count: int) -> None:
    sandbox = close([row(1, date=FINE, date_created="2026-01-01T00:00:00+00:00")])
    async with on_close(sandbox) as backend:
        before = (await backend.snapshots([TASK]))[TASK]
        sandbox.faults = (Fault(fault, POST),)
        edit = inverse_edit(before, "title", "due", "responsible_ids", "ai_customer_id", "priority")
        if fault == "reset_before":
            with pytest.raises(OutcomeUnknown):
                await backend.create_task(edit)
        else:
            assert (await backend.create_task(edit)).task.id != TASK
    assert len(sandbox.tasks) == count
