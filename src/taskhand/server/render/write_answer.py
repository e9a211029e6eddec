"""The answers of tools that write: the change of one task, a plan, the outcomes of many tasks; pure.

They are short: tasks are rows as in a list, people have their names, and empty fields are omitted.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import MISSING

from taskhand.domain.bulk_receipt import BulkReceipt
from taskhand.domain.edit import value_of
from taskhand.domain.plan import Plan
from taskhand.domain.receipt import Receipt, join_notes
from taskhand.domain.truncation import truncate
from taskhand.server.render.bulk_answer import MAX_IDS_LENGTH, MAX_MISSES, outcome_rows, render_bulk
from taskhand.server.render.differences import difference_row, or_missing, render_changed, shorten, unapplied_rows
from taskhand.server.render.resolved_names import match_rows
from taskhand.server.render.task_rows import describe_unreadable, render_row
from taskhand.server.render.write_fields import DeletedTask, DifferenceRow, ManyAnswer, UnappliedRow, WriteAnswer

if TYPE_CHECKING:
    from taskhand.domain.wording import Wording

__all__ = ["render_plan", "render_write"]

_NAME = 60
_MAX_DIFFERENCES = 25

_SEE = "Show the difference to the person; apply_plan with this planId carries it out."
_SEE_ONLY = "Show the difference to the person."


def render_write(written: Receipt | BulkReceipt | Plan, wording: "Wording") -> WriteAnswer:
    """The answer for the result of a write."""
    match written:
        case Receipt():
            return _render_receipt(written, wording)
        case BulkReceipt():
            return render_bulk(written, wording)
        case Plan():
            rows = [difference_row(difference, wording) for difference in written.differences[:_MAX_DIFFERENCES]]
            kept = unapplied_rows(written.unapplied, wording)
            return render_plan(written, rows, kept, wording.moment(written.expires_at))


def render_plan(
    plan: Plan, rows: Sequence[DifferenceRow], kept_fields: Sequence[UnappliedRow], expires_at: str | None
) -> WriteAnswer:
    """The answer for a plan, with these rows for its first differences; `kept_fields` are fields that stay."""
    unseen = len(plan.differences) - len(rows)
    more = f" {unseen} more are not shown: list_changes with the planId as changeId has them." if unseen else ""
    why = f"{plan.guard} stops at a plan: nothing was written." if plan.guard else "Nothing was written."
    return ManyAnswer(
        plan_id=plan.id,
        count=len(plan.differences),
        difference=tuple(rows),
        outcomes=tuple(outcome_rows(plan.skipped, MAX_IDS_LENGTH)) or MISSING,
        unapplied=tuple(kept_fields[:MAX_MISSES]) or MISSING,
        expires_at=or_missing(expires_at),
        matched=match_rows(plan.matched) or MISSING,
        note=join_notes(f"{why} {_SEE_ONLY if plan.is_for_others else _SEE}{more}", plan.note),
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
        note=join_notes(receipt.note, unread) or MISSING,
    )
