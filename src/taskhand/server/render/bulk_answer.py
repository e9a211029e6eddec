"""The answer for a bulk change: each of a few tasks, of more the first ones and the outcomes by reason; pure."""

import re
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
_REFERENCE = re.compile(r" \(reference \w+\)")

_FINE = frozenset({"applied", "unchanged"})
"""Outcomes of which a larger change shows only the number."""


def render_bulk(receipt: BulkReceipt, wording: "Wording") -> ManyAnswer:
    """The rows of up to ten tasks; for more, the first few and the failed ones."""
    retry_ids = () if receipt.is_out_of_time else receipt.retry_ids  # planId stands for them
    are_all = len(receipt.results) <= _MAX_TASKS
    written = [result for result in receipt.results if result.changed or result.outcome == "applied"]
    shown = receipt.results if are_all else written[:_FEW_TASKS]
    others = (
        _of_one_reason(receipt.results)
        if are_all
        else [result for result in receipt.results if _is_worth_a_row(result)]
    )
    messages = {result.message for result in others}
    missed = () if are_all else unapplied_rows(receipt.unapplied, wording)
    more = "" if are_all or not shown else f"The first {len(shown)} are shown; list_changes with this changeId has all."
    return ManyAnswer(
        change_id=receipt.change_id or MISSING,
        plan_id=receipt.plan_id or MISSING,
        count=len(receipt.results),
        totals=receipt.totals,
        tasks=tuple(_task_row(result, wording, has_message=result.message not in messages) for result in shown)
        or MISSING,
        outcomes=tuple(outcome_rows(others, MAX_IDS_LENGTH - size_of(retry_ids))) or MISSING,
        retry_ids=as_many_as_fit(retry_ids, MAX_IDS_LENGTH) or MISSING,
        unapplied=missed[:MAX_MISSES] or MISSING,
        matched=match_rows(receipt.matched) or MISSING,
        replayed=receipt.replayed or MISSING,
        note=join_notes(receipt.note, more) or MISSING,
    )


def _is_worth_a_row(result: TaskResult) -> bool:
    return bool(result.code or result.message) or result.outcome not in _FINE


def _of_one_reason(results: Sequence[TaskResult]) -> list[TaskResult]:
    """The tasks that were not written for a reason that others share; the reason is shown once."""
    failed = [result for result in results if result.message and (result.code or result.outcome not in _FINE)]
    counts = Counter((result.code, _reason(result)) for result in failed)
    return [result for result in failed if counts[result.code, _reason(result)] > 1]


def _task_row(result: TaskResult, wording: "Wording", *, has_message: bool) -> TaskRow:
    return TaskRow(
        id=result.id or MISSING,
        title=MISSING if result.title is None else truncate(result.title, _NAME),
        outcome=MISSING if result.outcome == "applied" else result.outcome,
        changed=render_changed(result.changed, wording) or MISSING,
        unapplied=unapplied_rows(result.unapplied, wording) or MISSING,
        code=or_missing(result.code),
        message=or_missing(result.message) if has_message else MISSING,
    )


def outcome_rows(outcomes: Sequence[TaskResult], room: int) -> Iterable[OutcomeRow]:
    """A row for each outcome and reason, the rarest first, with as many ids as fit.

    The ids of tasks that may be retried are in `retryIds`.
    """
    groups: dict[tuple[str, str | None, str | None], list[TaskResult]] = {}
    for result in outcomes:
        groups.setdefault((result.outcome, result.code, _reason(result)), []).append(result)
    for (outcome, code, message), group in sorted(groups.items(), key=lambda item: len(item[1]))[:_MAX_MESSAGES]:
        ids = () if group[0].may_be_retried else as_many_as_fit([result.id for result in group if result.id], room)
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
    return sum(len(task_id) + 3 for task_id in ids)


def as_many_as_fit(ids: Sequence[str], room: int) -> tuple[str, ...]:
    """The first ids that fit; the row's count includes all."""
    if size_of(ids) <= room:
        return tuple(ids)
    longest = max(map(len, ids)) + 3
    kept = max(0, room // longest)
    return tuple(ids[:kept])


def _reason(result: TaskResult) -> str | None:
    """The message without the task's id and the reference of its log, so that tasks with the same error share a row."""
    message = _REFERENCE.sub("", result.message) if result.message else result.message
    if not message or not result.id:
        return message
    return re.sub(rf"(?<!\w){re.escape(result.id)}(?!\w)", "", message)  # a short id may be a part of another


def _message(group: Sequence[TaskResult], *, is_same: bool) -> str | None:
    """The message of a row; if it names a task, that of the first one with the number of the others."""
    message = group[0].message
    return message if message is None or is_same or len(group) == 1 else f"{message} {same_for_others(len(group))}"
