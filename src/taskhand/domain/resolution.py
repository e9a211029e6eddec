"""How a finished task ended: only a finished task says it, and none keeps what an earlier end left; pure."""

from dataclasses import replace

from pydantic import MISSING

from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError
from taskhand.domain.task import Task

__all__ = ["settle_resolution"]


def settle_resolution(edit: Edit, before: Task, *, is_finished: bool) -> Edit:
    """The edit, and without a resolution the empty one where it reopens a task or finishes it once more.

    `is_finished` is whether the task is finished after the edit. CallerError for the resolution of a task that is not.
    """
    if isinstance(edit.resolution, str) and not is_finished:
        raise CallerError(
            "resolution says how a finished task ended, and the task is not finished.",
            code="not_finished",
            next_step="Send resolution with complete_task, or together with newStatusName Completed.",
        )
    stays_finished = before.is_finished and is_finished
    if edit.resolution is not MISSING or edit.status is MISSING or stays_finished:
        return edit
    return replace(edit, resolution=None) if isinstance(before.resolution, str) else edit
