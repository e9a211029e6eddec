"""Name the undo that was made before: of a change, or of the deletion of a task."""

from collections.abc import Sequence
from typing import Final

from taskhand.domain.errors import TaskhandError
from taskhand.journal.journal import Change, ChangeQuery
from taskhand.service.app_context import AppContext
from taskhand.service.earlier_create import EarlierCreate, find_remade
from taskhand.service.undo_selection import applied_ids, written_fields
from taskhand.service.visible_changes import is_visible

__all__ = ["note_on_earlier_undo", "with_remade_id"]

_LATEST: Final = 50
"""Changes of a task among which its undo is looked for, the newest first."""
_MAX_TASKS: Final = 20
"""Tasks by which the undos of a change are looked for; each undo is looked for once."""


async def note_on_earlier_undo(app: AppContext, change: Change, task_ids: Sequence[str]) -> str | None:
    """The sentence that names the changes that have undone this one, or a part of it; None if there is none.

    They are found by these tasks, the newest of each.
    """
    undone: dict[str, Change] = {}
    tasks: set[str | None] = set()
    for task_id in task_ids[:_MAX_TASKS]:
        if task_id in tasks:
            continue
        page = await app.journal.page(ChangeQuery(task_id=task_id, outcome="applied", limit=_LATEST))
        undoes = (other for other in page.changes if other.opening.undoes == change.id and is_visible(app, other))
        if (earlier := next(undoes, None)) is not None:
            undone[earlier.id] = earlier
            tasks |= applied_ids(earlier)
    if not undone:
        return None
    fields = frozenset(field for other in undone.values() for field in written_fields(other))
    is_part = not (written_fields(change) <= fields and applied_ids(change) <= tasks)
    have = "has" if len(undone) == 1 else "have"
    return f"{', '.join(undone)} {have} already undone {'a part of ' if is_part else ''}{change.id}."


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
