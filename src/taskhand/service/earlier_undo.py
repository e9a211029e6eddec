"""Find the undo that was made before: of a change, or of the deletion of a task."""

from typing import Final

from taskhand.domain.errors import OperatorError, TaskhandError
from taskhand.journal.journal import Change, ChangeQuery
from taskhand.service.app_context import AppContext
from taskhand.service.earlier_create import index_of_claim
from taskhand.service.idempotency import recreation_claim
from taskhand.service.visible_changes import is_visible

__all__ = ["note_on_earlier_undo", "with_remade_id"]

_LATEST: Final = 50
"""Changes of a task among which its undo or deletion is looked for, the newest first."""
_MAX_REMADE: Final = 5
"""How often one task may be deleted and made again before the search for it ends."""


async def note_on_earlier_undo(app: AppContext, change: Change, task_id: str) -> str | None:
    """The sentence that names the change that has undone this one, found by one of its tasks; None if there is none."""
    page = await app.journal.page(ChangeQuery(task_id=task_id, outcome="applied", limit=_LATEST))
    undoes = (other for other in page.changes if other.opening.undoes == change.id and is_visible(app, other))
    earlier = next(undoes, None)
    return f"{earlier.id} has already undone {change.id}." if earlier is not None else None


async def _find_remade(app: AppContext, task_id: str) -> str | None:
    """The id of the task that was made again for this deleted one and is not deleted; None if the caller sees none."""
    latest = task_id
    for _ in range(_MAX_REMADE):
        deletion = await _find_deletion(app, latest)
        if deletion is None:
            return latest if latest != task_id else None
        claim = recreation_claim(deletion, latest)
        undo = await app.journal.holder([claim])
        result = undo.results.get(index_of_claim(undo, claim)) if undo is not None and is_visible(app, undo) else None
        if result is None or result.outcome != "applied" or result.task_id is None:
            return None
        latest = result.task_id
    return None


async def _find_deletion(app: AppContext, task_id: str) -> Change | None:
    """The change that deleted a task."""
    page = await app.journal.page(ChangeQuery(task_id=task_id, outcome="applied", limit=_LATEST))
    deletes = (
        change for change in page.changes if any(it.verb == "delete" and it.task_id == task_id for it in change.intents)
    )
    return next(deletes, None)


async def with_remade_id(
    app: AppContext, error: TaskhandError, task_id: str, advice: str = "Send {} in its place."
) -> TaskhandError:
    """The error for a missing task, with the id of the one that was made again for it, if the journal has that.

    `advice` is the next step with that id.
    """
    try:
        remade = await _find_remade(app, task_id)
    except OperatorError:  # the journal cannot be read: the error stands as it is
        return error
    if remade is None:
        return error
    message = f"{error.message} It was deleted and made again as {remade}."
    return error.but(message=message, next_step=advice.format(remade))
