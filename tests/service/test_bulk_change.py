"""The change of a bulk update: validation, equivalent calls, and the notes of its plan."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from behaviour.world import NOW
from builders import refused
from file_stores import journal_in, store_in
from taskhand.domain.bulk_receipt import BulkReceipt
from taskhand.domain.due import Due, due_of
from taskhand.domain.edit import Edit
from taskhand.domain.plan import Plan
from taskhand.domain.task import StatusChoice, Task, TaskPatch
from taskhand.domain.task_query import TaskFilter
from taskhand.domain.task_rules import parse_due
from taskhand.service.app_context import AppContext
from taskhand.service.bulk_change import BulkChange, canonical_bulk, check_bulk_change
from taskhand.service.bulk_update import bulk_update
from taskhand.service.call_options import Options
from taskhand.service.find_by_property import TaskIds
from taskhand.service.lazy import Lazy
from taskhand.service.write_call import Call

HIGH = TaskPatch(priority="2")


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[AppContext]:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    yield app
    await app.aclose()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        *((BulkChange(shift_days=days), None) for days in (1, -1, 3_660, -3_660)),
        *((BulkChange(shift_days=days), "invalid_shift") for days in (0, 3_661, -3_661)),
        (BulkChange(HIGH, 0), "invalid_shift"),
        (BulkChange(HIGH, 1), None),
        (BulkChange(HIGH), None),
        (BulkChange(), "nothing_to_change"),
        (BulkChange(TaskPatch(due_date="2026-03-10"), 1), "several_changes"),
        (BulkChange(TaskPatch(due_date=None), 1), "several_changes"),
    ],
)
async def test_a_change_sets_something_and_moves_dates_by_some_days_or_sets_one(
    app: AppContext, change: BulkChange, code: str | None
) -> None:
    if code is None:
        check_bulk_change(app, change)
    else:
        with refused(code):
            check_bulk_change(app, change)


async def meaning(
    app: AppContext,
    ids: list[str] | None = None,
    days: int | None = None,
    given: TaskFilter | None = None,
    **patch: Any,
) -> str | None:
    """What a call with these arguments asks for, as text."""
    change = BulkChange(TaskPatch(**patch) if patch else None, days)
    check_bulk_change(app, change)
    due = parse_due(change.patch or TaskPatch(), app.reference)
    found = await canonical_bulk(app, change, due, ids, given)
    return None if found is None else json.dumps(found, sort_keys=True)


async def test_calls_ask_for_the_same_where_tasks_filter_days_and_every_field_are_the_same(app: AppContext) -> None:
    me = await app.backend.account.me()
    status = (await app.backend.statuses()).statuses[-1]
    of = ["T-1", "T-2"]
    asked = [
        await meaning(app, of, priority="2"),
        await meaning(app, ["T-1"], priority="2"),
        await meaning(app, None, priority="2"),
        await meaning(app, None, given=TaskFilter(text="Call"), priority="2"),
        await meaning(app, None, given=TaskFilter(text="Visit"), priority="2"),
        await meaning(app, of, priority="1"),
        await meaning(app, of, title="2"),
        await meaning(app, of, description="2"),
        await meaning(app, of, 1),
        await meaning(app, of, 2),
        await meaning(app, of, 1, priority="2"),
        await meaning(app, of, due_date="2026-03-10"),
        await meaning(app, of, due_date="2026-03-11"),
        await meaning(app, of, due_date=None),
        await meaning(app, of, responsible_ids=("me",)),
        await meaning(app, of, add_responsible_ids=("me",)),
        await meaning(app, of, remove_responsible_ids=("me",)),
        await meaning(app, of, new_status_name=status.name),
        await meaning(app, of, add_note="2"),
    ]
    assert None not in asked
    assert len(set(asked)) == len(asked)
    assert asked[0] == await meaning(app, ["t-2", "T-1", "t-1"], given=TaskFilter(), priority="2")
    assert asked[11] == await meaning(app, of, due_date=" 10 march 2026 ")
    assert asked[14] == await meaning(app, of, responsible_ids=(me,))
    assert asked[17] == await meaning(app, of, new_status_position=status.order)
    assert await meaning(app, of, responsible_ids=("nobody of that name",)) is None
    assert await meaning(app, None, given=TaskFilter(responsible_ids=("nobody of that name",)), priority="2") is None


@pytest.mark.parametrize(
    ("given", "finished", "names_dateless", "names_finished"),
    [
        ({}, 0, False, False),
        ({"from_date": "2026-03-01"}, 0, True, False),
        ({"to_date": "2026-03-31"}, 0, True, False),
        ({"to_date": "2026-03-31", "include_tasks_without_dates": True}, 0, False, False),
        ({"to_date": "2026-03-31", "include_tasks_without_dates": False}, 0, False, False),
        ({"without_date": True}, 0, False, False),
        ({}, 5, False, True),
        ({}, 6, False, True),
        ({"from_date": "2026-03-01"}, 1, True, True),
        ({"status": ("done",)}, 1, False, False),
        ({"date_field": "completed", "from_date": "2026-03-01"}, 1, False, False),
    ],
)
async def test_a_plan_by_filter_names_undated_and_finished_tasks_that_were_not_asked_for(
    app: AppContext, given: dict[str, Any], finished: int, *, names_dateless: bool, names_finished: bool
) -> None:
    done = StatusChoice.of((await app.backend.statuses()).statuses[-1])
    call = Edit(title="Call", responsible_ids=(), priority=1)
    dated = replace(call, due=Due(date(2026, 3, 10)))
    await app.backend.create_task(replace(dated, title="Visit"))
    for edit in (dated, call):
        await app.backend.create_task(edit)
    ids = []
    for _ in range(finished):
        task = (await app.backend.create_task(dated)).task
        await app.backend.update_task(task, Edit(status=done))
        ids.append(task.id)
    call_of = Call(app, "bulk_update_tasks", options=Options(dry_run=True))
    plan = await bulk_update(call_of, HIGH, BulkChange(HIGH), None, TaskFilter(text="Call", **given))
    assert isinstance(plan, Plan)
    total, notes = len(plan.differences), []
    if names_dateless:
        notes.append(f"1 of the {total} has no due date (includeTasksWithoutDates false leaves it out).")
    if names_finished:
        named = [one.id for one in plan.differences if one.id in ids]
        more = " and 1 more" if finished > 5 else ""
        verb = "is" if finished == 1 else "are"
        notes.append(f"{finished} of the {total} {verb} finished: {', '.join(map(str, named[:5]))}{more}.")
    assert (plan.note or "") == " ".join(notes)


async def test_tasks_that_need_no_write_or_get_none_have_their_titles(app: AppContext) -> None:
    call = Edit(title="Call", responsible_ids=(), priority=2, due=None)
    edits = (call, replace(call, title="Visit", due=Due(date(2026, 3, 10))))
    ids = TaskIds(tuple([(await app.backend.create_task(edit)).task.id for edit in edits]))
    found = []
    for change in (BulkChange(HIGH), BulkChange(shift_days=1)):
        done = await bulk_update(Call(app, "bulk_update_tasks"), change.patch or TaskPatch(), change, ids, None)
        assert isinstance(done, BulkReceipt)
        found.append({(one.title, one.outcome) for one in done.results})
    assert found == [{("Call", "unchanged"), ("Visit", "unchanged")}, {("Call", "refused"), ("Visit", "applied")}]


class UnsureBackend:
    """A backend that is not certain of the day that a task is due."""

    def __init__(self, backend: object) -> None:
        self._backend = backend

    def __getattr__(self, name: str) -> object:
        return getattr(self._backend, name)

    def sure_of_due(self, _: Task, *, of_day: bool = False) -> bool:
        """Whether the due time is certain: the day is not."""
        return not of_day


async def test_a_due_date_whose_day_is_not_certain_is_not_moved(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    app = AppContext(UnsureBackend(store), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)  # type: ignore[arg-type]
    due = Due(date(2026, 3, 10))
    task = (await store.create_task(Edit(title="Call", responsible_ids=(), priority=1, due=due))).task
    ids, change = TaskIds((task.id,)), BulkChange(shift_days=1)
    with refused("due_unsure"):
        await bulk_update(Call(app, "bulk_update_tasks"), TaskPatch(), change, ids, None)
    assert due_of(await store.get_task(task.id)) == due
    await app.aclose()
