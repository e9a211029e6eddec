"""Name the undo that was made before: of a change, or of the deletion of a task."""

from typing import Final

from taskhand.domain.errors import TaskhandError
from taskhand.journal.journal import Change, ChangeQuery
from taskhand.service.app_context import AppContext
from taskhand.service.earlier_create import EarlierCreate, find_remade
from taskhand.service.visible_changes import is_visible

__all__ = ["note_on_earlier_undo", "with_remade_id"]

_LATEST: Final = 50
"""Changes of a task among which its undo is looked for, the newest first."""


async def note_on_earlier_undo(app: AppContext, change: Change, task_id: str) -> str | None:
    """The sentence that names the change that has undone this one, found by one of its tasks; None if there is none."""
    page = await app.journal.page(ChangeQuery(task_id=task_id, outcome="applied", limit=_LATEST))
    undoes = (other for other in page.changes if other.opening.undoes == change.id and is_visible(app, other))
    earlier = next(undoes, None)
    return f"{earlier.id} has already undone {change.id}." if earlier is not None else None


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
