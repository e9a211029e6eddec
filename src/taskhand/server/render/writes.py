"""The answers of tools that write: the change of one task, a plan, the outcomes of many tasks; pure."""

from collections.abc import Iterable, Sequence
from datetime import UTC
from typing import Any, ClassVar

from pydantic import MISSING

from taskhand.domain.bulk import BulkReceipt, TaskResult
from taskhand.domain.plan import Difference, Plan
from taskhand.domain.receipt import FieldChange, Receipt, Unapplied
from taskhand.domain.task import Task
from taskhand.domain.text import truncate
from taskhand.server.render.answer import Answer, UntrustedAnswer
from taskhand.server.render.matches import MatchRow, match_rows
from taskhand.server.render.reads import TASK_TEXTS, fit_description

__all__ = ["ManyAnswer", "WriteAnswer", "changed_fields", "render_write", "to_difference_row"]

_NAME, _SNIPPET = 60, 200
_MOST_SHOWN = 8
"""Items of the longest list in a difference."""
_MOST_DIFFERENCES = 25
_MOST_MESSAGES = 25
_ROOM_FOR_IDS = 28_000
"""Characters that the ids of many tasks may take."""

_SEE = "Show the difference to the person; apply_plan with this planId carries it out."


class UnappliedRow(Answer):
    """A field that was asked for and not applied."""

    field: str
    asked: Any
    got: Any
    was: Any | MISSING = MISSING


class DifferenceRow(Answer):
    """The change that a plan makes to one task."""

    id: str | None
    title: str
    does: str
    changed: dict[str, Any]


class OutcomeRow(Answer):
    """The tasks of a bulk change with the same outcome for the same reason."""

    outcome: str
    count: int
    ids: tuple[str, ...] | MISSING = MISSING
    code: str | MISSING = MISSING
    message: str | MISSING = MISSING


class WriteAnswer(UntrustedAnswer):
    """The change of one task (`task`), or its plan (`planId`)."""

    free_text = (
        *TASK_TEXTS,
        "changed",
        "unapplied.asked",
        "unapplied.got",
        "unapplied.was",
        "difference.title",
        "difference.changed",
        "matched.name",
    )

    listed: ClassVar[tuple[str, ...]] = ("task", "changed", "unapplied", "changeId", "planId")

    change_id: str | MISSING = MISSING
    plan_id: str | MISSING = MISSING
    task: dict[str, Any] | MISSING = MISSING
    changed: dict[str, Any] | MISSING = MISSING
    unapplied: tuple[UnappliedRow, ...] | MISSING = MISSING
    matched: tuple[MatchRow, ...] | MISSING = MISSING
    count: int | MISSING = MISSING
    difference: tuple[DifferenceRow, ...] | MISSING = MISSING
    expires_at: str | MISSING = MISSING
    replayed: bool | MISSING = MISSING
    note: str | MISSING = MISSING


class ManyAnswer(WriteAnswer):
    """The change of one or many tasks (`totals`), or its plan."""

    listed: ClassVar[tuple[str, ...]] = ("totals", "outcomes", "changeId", "planId")

    totals: dict[str, int] | MISSING = MISSING
    outcomes: tuple[OutcomeRow, ...] | MISSING = MISSING
    retry_ids: tuple[str, ...] | MISSING = MISSING


def render_write(written: Receipt | BulkReceipt | Plan) -> WriteAnswer:
    """The answer for what a write returned."""
    match written:
        case Receipt():
            return _render_receipt(written)
        case BulkReceipt():
            return _render_bulk(written)
        case Plan():
            return _render_plan(written)


def changed_fields(changed: Iterable[FieldChange]) -> dict[str, Any]:
    """The fields that change, by name, each with its value before (`from`) and after (`to`)."""
    return {one.field: {"from": _shorten(one.before), "to": _shorten(one.after)} for one in changed}


def to_difference_row(one: Difference) -> DifferenceRow:
    """The row for the change of one task."""
    return DifferenceRow(
        id=one.id, title=truncate(one.title, _NAME), does=one.does, changed=changed_fields(one.changed)
    )


def _render_receipt(receipt: Receipt) -> WriteAnswer:
    return WriteAnswer(
        change_id=receipt.change_id or MISSING,
        task=fit_description(receipt.task).model_dump(mode="json") if isinstance(receipt.task, Task) else MISSING,
        changed=changed_fields(receipt.changed),
        unapplied=_unapplied_rows(receipt.unapplied),
        matched=match_rows(receipt.matched),
        replayed=receipt.replayed or MISSING,
        note=_or_missing(receipt.note),
    )


def _render_bulk(receipt: BulkReceipt) -> WriteAnswer:
    retry_ids = () if receipt.is_out_of_time else receipt.retry_ids  # there planId stands for them
    unapplied = _unapplied_rows(miss for one in receipt.results for miss in one.unapplied)
    return ManyAnswer(
        change_id=receipt.change_id or MISSING,
        plan_id=receipt.plan_id or MISSING,
        count=len(receipt.results),
        totals=receipt.totals,
        outcomes=tuple(_outcome_rows(receipt.results, _ROOM_FOR_IDS - _size(retry_ids))),
        retry_ids=MISSING if receipt.is_out_of_time else _as_many_as_fit(retry_ids, _ROOM_FOR_IDS),
        unapplied=unapplied[:_MOST_MESSAGES] or MISSING,
        matched=match_rows(receipt.matched) or MISSING,
        replayed=receipt.replayed or MISSING,
        note=_or_missing(receipt.note),
    )


def _render_plan(plan: Plan) -> WriteAnswer:
    shown = plan.differences[:_MOST_DIFFERENCES]
    more = f" {len(plan.differences) - len(shown)} more are not shown." if len(shown) < len(plan.differences) else ""
    why = f"{plan.guard} stops at a plan: nothing was written." if plan.guard else "Nothing was written."
    left_out = [*(TaskResult(one, "unchanged") for one in plan.unchanged)]
    left_out += [TaskResult.failed(one, "refused", error) for one, error in plan.refused]
    left_out += plan.skipped
    return ManyAnswer(
        plan_id=plan.id,
        count=len(plan.differences),
        difference=tuple(map(to_difference_row, shown)),
        outcomes=tuple(_outcome_rows(left_out, _ROOM_FOR_IDS)) or MISSING,
        unapplied=_unapplied_rows(plan.unapplied[:_MOST_MESSAGES]) or MISSING,
        expires_at=plan.expires_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        matched=match_rows(plan.matched) or MISSING,
        note=" ".join(filter(None, (f"{why} {_SEE}{more}", plan.note))),
    )


def _outcome_rows(outcomes: Sequence[TaskResult], room: int) -> Iterable[OutcomeRow]:
    """A row for each outcome and reason, the rarest first, with ids as long as there is room.

    The ids of tasks that may be retried are in `retryIds`.
    """
    groups: dict[tuple[str, str | None, str | None], list[TaskResult]] = {}
    for one in outcomes:
        groups.setdefault((one.outcome, one.code, _reason(one)), []).append(one)
    for (outcome, code, message), group in sorted(groups.items(), key=lambda item: len(item[1]))[:_MOST_MESSAGES]:
        ids = () if group[0].may_be_retried else _as_many_as_fit([one.id for one in group if one.id], room)
        room -= _size(ids)
        yield OutcomeRow(
            outcome=outcome,
            count=len(group),
            ids=ids or MISSING,
            code=code or MISSING,
            message=message or MISSING,
        )


def _reason(one: TaskResult) -> str | None:
    """The message without the task's id, so that tasks with the same fault share a row."""
    return one.message.replace(one.id, "…") if one.message and one.id else one.message


def _size(ids: Sequence[str]) -> int:
    return sum(len(one) + 3 for one in ids)


def _as_many_as_fit(ids: Sequence[str], room: int) -> tuple[str, ...]:
    """The first ids that fit; the count of the row is that of all."""
    if _size(ids) <= room:
        return tuple(ids)
    longest = max(map(len, ids)) + 3
    kept = max(0, room // longest)
    return tuple(ids[:kept])


def _unapplied_rows(missed: Iterable[Unapplied]) -> tuple[UnappliedRow, ...]:
    return tuple(
        UnappliedRow(
            field=one.field,
            asked=_shorten(one.asked),
            got=_shorten(one.got),
            was=MISSING if one.was is MISSING else _shorten(one.was),
        )
        for one in missed
    )


def _shorten(value: object) -> object:
    if isinstance(value, list) and len(value) > _MOST_SHOWN:
        return [*value[:_MOST_SHOWN], f"… (+{len(value) - _MOST_SHOWN})"]
    return truncate(value, _SNIPPET) if isinstance(value, str) else value


def _or_missing(text: str | None) -> str | MISSING:
    return MISSING if text is None else text
