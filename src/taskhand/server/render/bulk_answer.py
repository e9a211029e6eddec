"""The answer for a bulk change: each of a few tasks, of more the first ones and the outcomes by reason; pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from pydantic import MISSING

from taskhand.domain.bulk_receipt import BulkReceipt, TaskResult, same_for_others
from taskhand.domain.receipt import join_notes
from taskhand.domain.truncation import truncate
from taskhand.server.render.differences import or_missing, render_changed, unapplied_rows
from taskhand.server.render.resolved_names import match_rows
from taskhand.server.render.write_fields import ManyAnswer, OutcomeRow, TaskRow

if TYPE_CHECKING:
    from taskhand.domain.wording import Wording

__all__ = ["MAX_IDS_LENGTH", "MAX_MISSES", "as_many_as_fit", "outcome_rows", "render_bulk", "size_of"]

_NAME = 60
_MAX_TASKS, _FEW_TASKS = 10, 3
"""Up to `_MAX_TASKS` tasks of a bulk change are all shown; of a larger one, `_FEW_TASKS`."""
_MAX_MESSAGES = 25
MAX_MISSES = 25
MAX_IDS_LENGTH = 28_000
"""Maximum length of the ids of many tasks in characters."""

_FINE = frozenset({"applied", "unchanged"})
"""Outcomes of which a larger change shows only the number."""


def render_bulk(receipt: BulkReceipt, wording: "Wording") -> ManyAnswer:
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
        outcomes=tuple(outcome_rows(others, MAX_IDS_LENGTH - size_of(retry_ids))) or MISSING,
        retry_ids=as_many_as_fit(retry_ids, MAX_IDS_LENGTH) or MISSING,
        unapplied=missed[:MAX_MISSES] or MISSING,
        matched=match_rows(receipt.matched) or MISSING,
        replayed=receipt.replayed or MISSING,
        note=join_notes(receipt.note, more) or MISSING,
    )


def _is_worth_a_row(one: TaskResult) -> bool:
    return bool(one.code or one.message) or one.outcome not in _FINE


def _of_one_reason(results: Sequence[TaskResult]) -> list[TaskResult]:
    """The tasks that were not written for a reason that others share; the reason is shown once."""
    failed = [one for one in results if one.message and (one.code or one.outcome not in _FINE)]
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


def outcome_rows(outcomes: Sequence[TaskResult], room: int) -> Iterable[OutcomeRow]:
    """A row for each outcome and reason, the rarest first, with as many ids as fit.

    The ids of tasks that may be retried are in `retryIds`.
    """
    groups: dict[tuple[str, str | None, str | None], list[TaskResult]] = {}
    for one in outcomes:
        groups.setdefault((one.outcome, one.code, _reason(one)), []).append(one)
    for (outcome, code, message), group in sorted(groups.items(), key=lambda item: len(item[1]))[:_MAX_MESSAGES]:
        ids = () if group[0].may_be_retried else as_many_as_fit([one.id for one in group if one.id], room)
        room -= size_of(ids)
        yield OutcomeRow(
            outcome=outcome,
            count=len(group),
            ids=ids or MISSING,
            code=code or MISSING,
            message=_message(group, is_same=message == group[0].message) or MISSING,
        )


def size_of(ids: Sequence[str]) -> int:
    """The length of ids in characters."""
    return sum(len(one) + 3 for one in ids)


def as_many_as_fit(ids: Sequence[str], room: int) -> tuple[str, ...]:
    """The first ids that fit; the row's count includes all."""
    if size_of(ids) <= room:
        return tuple(ids)
    longest = max(map(len, ids)) + 3
    kept = max(0, room // longest)
    return tuple(ids[:kept])


def _reason(one: TaskResult) -> str | None:
    """The message without the task's id, so that tasks with the same error share a row."""
    return one.message.replace(one.id, "") if one.message and one.id else one.message


def _message(group: Sequence[TaskResult], *, is_same: bool) -> str | None:
    """The message of a row; if it names a task, that of the first one with the number of the others."""
    message = group[0].message
    return message if message is None or is_same or len(group) == 1 else f"{message} {same_for_others(len(group))}"
