"""The answers of tools that write: the change of one task, a plan, the outcomes of many tasks; pure.

They are short: tasks are rows as in a list, people have their names, and empty fields are omitted.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import MISSING

from taskhand.domain.bulk_receipt import BulkReceipt, TaskResult
from taskhand.domain.edit import value_of
from taskhand.domain.plan import Difference, Plan
from taskhand.domain.receipt import FieldChange, Receipt
from taskhand.domain.task import Task
from taskhand.domain.truncation import truncate, truncate_change
from taskhand.domain.unapplied_fields import Unapplied
from taskhand.server.render.answer import Answer, UntrustedAnswer
from taskhand.server.render.bulk_answer import OutcomeRow, as_many_as_fit, outcome_rows, size_of
from taskhand.server.render.matches import MatchRow, match_rows
from taskhand.server.render.rows import Row, describe_unreadable, render_row

if TYPE_CHECKING:
    from taskhand.domain.wording import Wording

__all__ = [
    "DeletedTask",
    "DifferenceRow",
    "ManyAnswer",
    "TaskRow",
    "UnappliedRow",
    "WriteAnswer",
    "difference_row",
    "or_missing",
    "render_changed",
    "render_plan",
    "render_write",
    "shorten_change",
    "unapplied_rows",
]

_NAME, _SNIPPET = 60, 200
_MAX_SHOWN = 8
"""Maximum number of items of a list in a difference."""
_FEW_PEOPLE = 3
"""Number of people shown for a task to delete."""
_MAX_DIFFERENCES = 25
_MAX_TASKS, _FEW_TASKS = 10, 3
"""Up to `_MAX_TASKS` tasks of a bulk change are all shown; of a larger one, `_FEW_TASKS`."""
_MAX_MISSES = 25
_MAX_IDS_LENGTH = 28_000
"""Maximum length of the ids of many tasks in characters."""

_FINE = frozenset({"applied", "unchanged"})
"""Outcomes of which a larger change shows only the number."""

_SEE = "Show the difference to the person; apply_plan with this planId carries it out."
_SEE_ONLY = "Show the difference to the person."


class UnappliedRow(Answer):
    """A field that was requested and not applied."""

    field: str
    asked: Any
    got: Any
    was: Any | MISSING = MISSING
    id: str | MISSING = MISSING


class DeletedTask(Answer):
    """A deleted task."""

    id: str
    title: str


class DifferenceRow(Answer):
    """The change that a plan makes to one task."""

    id: str | None
    title: str
    does: str
    due: str | MISSING = MISSING
    responsibles: tuple[str, ...] | MISSING = MISSING
    changed: dict[str, Any] | MISSING = MISSING


class TaskRow(Answer):
    """The change of one task of many; without an outcome it was applied."""

    id: str | MISSING = MISSING
    title: str | MISSING = MISSING
    outcome: str | MISSING = MISSING
    changed: dict[str, Any] | MISSING = MISSING
    unapplied: tuple[UnappliedRow, ...] | MISSING = MISSING
    code: str | MISSING = MISSING
    message: str | MISSING = MISSING


class WriteAnswer(UntrustedAnswer):
    """The change of one task (`task`), or its plan (`planId`); `connection` if there are several."""

    free_text = (
        "task",
        "deleted",
        "changed",
        "unapplied",
        "already",
        "difference",
        "tasks",
        "matched.name",
        "outcomes.message",
    )

    listed: ClassVar[tuple[str, ...]] = ("task", "changed", "unapplied", "changeId", "planId")

    connection: str | MISSING = MISSING
    task: Row | Task | MISSING = MISSING
    deleted: DeletedTask | MISSING = MISSING
    changed: dict[str, Any] | MISSING = MISSING
    unapplied: tuple[UnappliedRow, ...] | MISSING = MISSING
    already: dict[str, Any] | MISSING = MISSING
    matched: tuple[MatchRow, ...] | MISSING = MISSING
    change_id: str | MISSING = MISSING
    plan_id: str | MISSING = MISSING
    count: int | MISSING = MISSING
    difference: tuple[DifferenceRow, ...] | MISSING = MISSING
    expires_at: str | MISSING = MISSING
    replayed: bool | MISSING = MISSING
    note: str | MISSING = MISSING


class ManyAnswer(WriteAnswer):
    """The change of one or many tasks (`totals`), or its plan."""

    listed: ClassVar[tuple[str, ...]] = ("totals", "tasks", "changeId", "planId")

    totals: dict[str, int] | MISSING = MISSING
    tasks: tuple[TaskRow, ...] | MISSING = MISSING
    outcomes: tuple[OutcomeRow, ...] | MISSING = MISSING
    retry_ids: tuple[str, ...] | MISSING = MISSING


def render_write(written: Receipt | BulkReceipt | Plan, wording: "Wording") -> WriteAnswer:
    """The answer for the result of a write."""
    match written:
        case Receipt():
            return _render_receipt(written, wording)
        case BulkReceipt():
            return _render_bulk(written, wording)
        case Plan():
            rows = [difference_row(one, wording) for one in written.differences[:_MAX_DIFFERENCES]]
            kept = unapplied_rows(written.unapplied, wording)
            return render_plan(written, rows, kept, wording.moment(written.expires_at))


def render_changed(changed: Iterable[FieldChange], wording: "Wording") -> dict[str, Any]:
    """The fields that change, by name, each with the value before (`from`) and after (`to`).

    Ids of links come with their `names`.
    """
    difference = wording.difference(changed)
    shown = {field: shorten_change(sides["from"], sides["to"]) for field, sides in difference.items()}
    for field, sides in difference.items():
        if names := wording.links(field, *sides.values()):
            shown[field]["names"] = names
    return shown


def difference_row(one: Difference, wording: "Wording") -> DifferenceRow:
    """The row for the change of one task."""
    return DifferenceRow(
        id=one.id,
        title=truncate(one.title, _NAME),
        does=one.does,
        due=or_missing(wording.due(one.due)),
        responsibles=tuple(wording.people(one.responsible_ids)[:_FEW_PEOPLE]) or MISSING,
        changed=render_changed(one.changed, wording) or MISSING,
    )


def render_plan(
    plan: Plan, rows: Sequence[DifferenceRow], kept: Sequence[UnappliedRow], expires_at: str | None
) -> WriteAnswer:
    """The answer for a plan, with these rows for its first differences; `kept` are fields that stay."""
    more = f" {len(plan.differences) - len(rows)} more are not shown." if len(rows) < len(plan.differences) else ""
    why = f"{plan.guard} stops at a plan: nothing was written." if plan.guard else "Nothing was written."
    return ManyAnswer(
        plan_id=plan.id,
        count=len(plan.differences),
        difference=tuple(rows),
        outcomes=tuple(outcome_rows(plan.skipped, _MAX_IDS_LENGTH)) or MISSING,
        unapplied=tuple(kept[:_MAX_MISSES]) or MISSING,
        expires_at=or_missing(expires_at),
        matched=match_rows(plan.matched) or MISSING,
        note=" ".join(filter(None, (f"{why} {_SEE_ONLY if plan.is_for_others else _SEE}{more}", plan.note))),
    )


def _render_receipt(receipt: Receipt, wording: "Wording") -> WriteAnswer:
    task, before = receipt.task, receipt.before
    already = {field: shorten(wording.value(value_of(task, field))) for field in receipt.already} if task else {}
    is_new = before is None or task is None
    unread = describe_unreadable(task) if task else None
    return WriteAnswer(
        task=render_row(task, wording) if task else MISSING,
        deleted=DeletedTask(id=before.id, title=truncate(before.title or "", _NAME))
        if before and not task
        else MISSING,
        changed=MISSING if is_new else render_changed(receipt.changed, wording) or MISSING,
        unapplied=unapplied_rows(receipt.unapplied, wording) or MISSING,
        already=already or MISSING,
        matched=match_rows(receipt.matched) or MISSING,
        change_id=receipt.change_id or MISSING,
        replayed=receipt.replayed or MISSING,
        note=" ".join(filter(None, (receipt.note, unread))) or MISSING,
    )


def _render_bulk(receipt: BulkReceipt, wording: "Wording") -> WriteAnswer:
    """The rows of up to ten tasks; for more, the first few and the failed ones."""
    retry_ids = () if receipt.is_out_of_time else receipt.retry_ids  # planId stands for them
    are_all = len(receipt.results) <= _MAX_TASKS
    written = [one for one in receipt.results if one.changed or one.outcome == "applied"]
    shown = receipt.results if are_all else written[:_FEW_TASKS]
    others = _of_one_reason(receipt.results) if are_all else [one for one in receipt.results if _is_worth_a_row(one)]
    messages = {one.message for one in others}
    missed = () if are_all else unapplied_rows(receipt.unapplied, wording)
    more = "" if are_all or not shown else f"The first {len(shown)} are shown; list_changes with this changeId has all."
    return ManyAnswer(
        change_id=receipt.change_id or MISSING,
        plan_id=receipt.plan_id or MISSING,
        count=len(receipt.results),
        totals=receipt.totals,
        tasks=tuple(_task_row(one, wording, has_message=one.message not in messages) for one in shown) or MISSING,
        outcomes=tuple(outcome_rows(others, _MAX_IDS_LENGTH - size_of(retry_ids))) or MISSING,
        retry_ids=as_many_as_fit(retry_ids, _MAX_IDS_LENGTH) or MISSING,
        unapplied=missed[:_MAX_MISSES] or MISSING,
        matched=match_rows(receipt.matched) or MISSING,
        replayed=receipt.replayed or MISSING,
        note=" ".join(filter(None, (receipt.note, more))) or MISSING,
    )


def _is_worth_a_row(one: TaskResult) -> bool:
    return bool(one.code or one.message) or one.outcome not in _FINE


def _of_one_reason(results: Sequence[TaskResult]) -> list[TaskResult]:
    """The tasks that were not written for a reason that others share; the reason is shown once."""
    failed = [one for one in results if one.message and one.outcome not in _FINE]
    counts = Counter((one.code, one.message) for one in failed)
    return [one for one in failed if counts[one.code, one.message] > 1]


def _task_row(one: TaskResult, wording: "Wording", *, has_message: bool) -> TaskRow:
    return TaskRow(
        id=one.id or MISSING,
        title=MISSING if one.title is None else truncate(one.title, _NAME),
        outcome=MISSING if one.outcome == "applied" else one.outcome,
        changed=render_changed(one.changed, wording) or MISSING,
        unapplied=unapplied_rows(one.unapplied, wording) or MISSING,
        code=or_missing(one.code),
        message=or_missing(one.message) if has_message else MISSING,
    )


def unapplied_rows(missed: Iterable[Unapplied], wording: "Wording") -> tuple[UnappliedRow, ...]:
    """A row for each field that was not applied."""
    return tuple(
        UnappliedRow(
            field=one.field,
            asked=shorten(wording.value(one.asked)),
            got=shorten(wording.value(one.got)),
            was=MISSING if one.was is MISSING else shorten(wording.value(one.was)),
            id=or_missing(one.task_id),
        )
        for one in missed
    )


def shorten_change(before: object, after: object) -> dict[str, object]:
    """Both values of a difference, cut to fit an answer around the first difference."""
    if isinstance(before, str) and isinstance(after, str):
        before, after = truncate_change(before, after, _SNIPPET)
        return {"from": before, "to": after}
    return {"from": shorten(before), "to": shorten(after)}


def shorten(value: object) -> object:
    """A value of a difference, cut to fit an answer."""
    if isinstance(value, list) and len(value) > _MAX_SHOWN:
        return [*value[:_MAX_SHOWN], f"… (+{len(value) - _MAX_SHOWN})"]
    return truncate(value, _SNIPPET) if isinstance(value, str) else value


def or_missing(text: str | None) -> str | MISSING:
    """The text as a field of an answer."""
    return MISSING if text is None else text
