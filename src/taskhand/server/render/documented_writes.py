"""The answers of writes for programs: the documented Task object, and a difference of its documented fields; pure."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from pydantic import MISSING

from taskhand.domain.bulk_receipt import BulkReceipt
from taskhand.domain.due import Due, due_fields
from taskhand.domain.plan import Difference, Plan
from taskhand.domain.receipt import FieldChange, Receipt
from taskhand.domain.task import Task
from taskhand.domain.truncation import truncate
from taskhand.domain.unapplied_fields import Unapplied
from taskhand.domain.wording import Wording
from taskhand.server.render.bulk_answer import as_many_as_fit, outcome_rows, size_of
from taskhand.server.render.differences import or_missing, shorten_change, unapplied_rows
from taskhand.server.render.resolved_names import match_rows
from taskhand.server.render.shortened_description import fit_description
from taskhand.server.render.write_answer import render_plan
from taskhand.server.render.write_fields import DeletedTask, DifferenceRow, ManyAnswer, UnappliedRow, WriteAnswer

__all__ = ["render_whole_write"]

_NAME = 60
_MAX_DIFFERENCES, _MAX_MISSES = 25, 25
_MAX_IDS_LENGTH = 28_000
"""Maximum length of the ids of many tasks in characters."""
_NAMES = {"responsibles": "task_responsibles", "status": "status_config"}
"""The documented fields of a task that have another name in a row."""


def render_whole_write(written: Receipt | BulkReceipt | Plan) -> WriteAnswer:
    """The answer for the result of a write, in the documented fields."""
    match written:
        case Receipt():
            return _render_receipt(written)
        case BulkReceipt():
            return _render_bulk(written)
        case Plan():
            rows = [_difference_row(difference) for difference in written.differences[:_MAX_DIFFERENCES]]
            expires_at = Wording(for_programs=True).moment(written.expires_at)
            return render_plan(written, rows, _unapplied_rows(written.unapplied), expires_at)


def _render_receipt(receipt: Receipt) -> WriteAnswer:
    task, before = receipt.task, receipt.before
    return WriteAnswer(
        change_id=receipt.change_id or MISSING,
        task=fit_description(_documented_task(task)) if task else MISSING,
        deleted=DeletedTask(id=before.id, title=truncate(before.title or "", _NAME))
        if before and not task
        else MISSING,
        changed=_changed_fields(receipt.changed, before, task),
        unapplied=_unapplied_rows(receipt.unapplied),
        matched=match_rows(receipt.matched),
        replayed=receipt.replayed or MISSING,
        note=or_missing(receipt.note),
    )


def _documented_task(task: Task) -> Task:
    """The task without the note beside it, which `changed` shows."""
    return task if task.note is MISSING else task.with_note()


def _render_bulk(receipt: BulkReceipt) -> WriteAnswer:
    retry_ids = () if receipt.is_out_of_time else receipt.retry_ids  # there planId stands for them
    unapplied = _unapplied_rows(receipt.unapplied)
    return ManyAnswer(
        change_id=receipt.change_id or MISSING,
        plan_id=receipt.plan_id or MISSING,
        count=len(receipt.results),
        totals=receipt.totals,
        outcomes=tuple(outcome_rows(receipt.results, _MAX_IDS_LENGTH - size_of(retry_ids))),
        retry_ids=MISSING if receipt.is_out_of_time else as_many_as_fit(retry_ids, _MAX_IDS_LENGTH),
        unapplied=unapplied[:_MAX_MISSES] or MISSING,
        matched=match_rows(receipt.matched) or MISSING,
        replayed=receipt.replayed or MISSING,
        note=or_missing(receipt.note),
    )


def _difference_row(difference: Difference) -> DifferenceRow:
    return DifferenceRow(
        id=difference.id,
        title=truncate(difference.title, _NAME),
        does=difference.does,
        changed=_changed_fields(difference.changed),
    )


def _changed_fields(
    changed: Iterable[FieldChange], before: Task | None = None, after: Task | None = None
) -> dict[str, Any]:
    """The documented fields that change, each with the value before (`from`) and after (`to`)."""
    pairs = (pair for change in changed for pair in _documented_changes(change, before, after))
    return {field: shorten_change(before, after) for field, before, after in pairs}


def _documented_changes(
    change: FieldChange, was: Task | None, now: Task | None
) -> Iterator[tuple[str, object, object]]:
    if change.field != "due":
        yield _NAMES.get(change.field, change.field), _to_json(change.before), _to_json(change.after)
        return
    before, after = _due_fields(change.before, was), _due_fields(change.after, now)
    yield from ((name, before[name], after[name]) for name in before if before[name] != after[name])


def _due_fields(due: object, task: Task | None) -> dict[str, object]:
    """The fields of a due date; a CRM may keep the zone of a removed one."""
    if isinstance(due, Due):
        return {**due_fields(due)}
    return {**due_fields(None), "due_timezone": task.due_timezone if task else None}


def _unapplied_rows(missed: Iterable[Unapplied]) -> tuple[UnappliedRow, ...]:
    """The rows of the changes that were not applied; a requested due date is shown in its own zone."""
    rows = (
        replace(
            unapplied, asked=_to_requested(unapplied.asked), got=_to_json(unapplied.got), was=_to_json(unapplied.was)
        )
        for unapplied in missed
    )
    return unapplied_rows(rows, Wording())


def _to_requested(value: object) -> object:
    return str(value) if isinstance(value, Due) else _to_json(value)


def _to_json(value: object) -> object:
    match value:
        case Due():
            return value.due_at
        case tuple():
            return list(value)
        case _:
            return value
