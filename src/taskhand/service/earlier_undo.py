"""Name the undo that was made before: of a change, or of the deletion of a task."""

from collections.abc import Sequence
from typing import Final

from taskhand.domain.errors import TaskhandError
from taskhand.journal.journal import Change, ChangeQuery
from taskhand.service.app_context import AppContext
from taskhand.service.earlier_create import EarlierCreate, find_remade
from taskhand.service.idempotency import recreation_claim
from taskhand.service.visible_changes import is_visible

__all__ = ["find_undos", "note_on_earlier_undo", "with_remade_id"]

_UNDO: Final = "undo_change"
_LATEST: Final = 50
"""Changes of a task among which its undo is looked for, the newest first."""


async def note_on_earlier_undo(app: AppContext, change: Change, task_id: str) -> str | None:
    """The sentence that names the change that has undone this one, found by one of its tasks; None if there is none."""
    earlier = await _find_undo(app, change, task_id)
    return f"{earlier.id} has already undone {change.id}." if earlier is not None else None


async def find_undos(app: AppContext, changes: Sequence[Change]) -> dict[str, str]:
    """The latest changes that have undone these ones, or a part of them, each by the id of what it has undone."""
    undos = {change.opening.undoes: change.id for change in reversed(changes) if change.outcome == "applied"}
    for change in changes:
        applied = [index for index, result in change.results.items() if result.outcome == "applied"]
        if change.id not in undos and applied and (task_id := change.task_id(applied[0])) is not None:
            undo = await _find_undo(app, change, task_id)
            undos |= {change.id: undo.id} if undo is not None else {}
    return {undone: undo for undone, undo in undos.items() if undone is not None}


async def _find_undo(app: AppContext, change: Change, task_id: str) -> Change | None:
    """The latest change that has undone this one, found by one of its tasks."""
    query = ChangeQuery(task_id=task_id, tool=_UNDO, outcome="applied", limit=_LATEST)
    others = list((await app.journal.page(query)).changes)
    if any(intent.verb == "delete" and intent.task_id == task_id for intent in change.intents):
        holder = await app.journal.holder([recreation_claim(change, task_id)])  # the task has another id now
        others += [holder] if holder is not None else []
    return next((other for other in others if other.opening.undoes == change.id and is_visible(app, other)), None)


async def with_remade_id(
    app: AppContext, error: TaskhandError, task_id: str, advice: str = "Send {} in its place."
) -> TaskhandError:
    """The error for a missing task, with the id of the one that was made again for it, if the journal has that.

    `advice` is the next step with that id.
    """
    try:
        again = await find_remade(app, task_id)
    except TaskhandError:  # the journal cannot be read, or another call is making it again: the error stands as it is
        return error
    if not isinstance(again, EarlierCreate) or again.made is None or not is_visible(app, again.change):
        return error
    message = f"{error.message} It was deleted and made again as {again.made.id}."
    return error.but(message=message, next_step=advice.format(again.made.id))
