"""Notes in the answer to a write of a caller whom a rule limits to own tasks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

from taskhand.domain.bulk_receipt import BulkReceipt, TaskResult
from taskhand.domain.errors import TaskhandError
from taskhand.domain.plan import Difference, Plan
from taskhand.domain.receipt import Receipt, join_notes
from taskhand.service.app_context import AppContext

__all__ = ["with_own_tasks_note"]

_Written = TypeVar("_Written", bound=Receipt | BulkReceipt | Plan)

_GIVEN_AWAY: Final = "A task that is given away is not yours any more: you cannot undo that."


async def with_own_tasks_note(app: AppContext, arguments: Mapping[str, Any], written: _Written) -> _Written:
    """The answer with a note on own tasks, if a filter found no task or a task was given away."""
    found_none = app.principal.rules.note_on_lists if arguments.get("filter") and not _tasks_in(written) else None
    given = _GIVEN_AWAY if await _gives_away(app, _tasks_in(written)) else None
    note = join_notes(written.note, found_none, given)
    return replace(written, note=note or None)


def _tasks_in(written: Receipt | BulkReceipt | Plan) -> Sequence[Receipt | TaskResult | Difference]:
    """Each task of an answer, with its changes."""
    if isinstance(written, Receipt):
        return (written,)
    return written.results if isinstance(written, BulkReceipt) else written.differences


async def _gives_away(app: AppContext, tasks: Iterable[Receipt | TaskResult | Difference]) -> bool:
    """Whether the write removed the caller from a task; False if unknown, since the write is done."""
    people = [change for task in tasks for change in task.changed if change.field == "responsibles"]
    if not people:
        return False
    try:
        me = await app.backend.account.me()
    except TaskhandError:
        return False
    return any(_includes_member(change.before, me) and not _includes_member(change.after, me) for change in people)


def _includes_member(people: object, member: str | None) -> bool:
    return isinstance(people, tuple) and member in people
