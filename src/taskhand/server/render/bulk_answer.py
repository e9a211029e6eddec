"""The outcomes of a bulk change, grouped; pure."""

from collections.abc import Iterable, Sequence

from pydantic import MISSING

from taskhand.domain.bulk_receipt import TaskResult, same_for_others
from taskhand.server.render.answer import Answer

__all__ = ["OutcomeRow", "as_many_as_fit", "outcome_rows", "size_of"]

_MAX_MESSAGES = 25


class OutcomeRow(Answer):
    """The tasks of a bulk change with the same outcome for the same reason."""

    outcome: str
    count: int
    ids: tuple[str, ...] | MISSING = MISSING
    code: str | MISSING = MISSING
    message: str | MISSING = MISSING


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
