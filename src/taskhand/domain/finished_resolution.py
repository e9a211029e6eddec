"""The resolution of a finished task: an unfinished task has none, and reopening or finishing again removes it; pure."""

from dataclasses import replace

from pydantic import MISSING

from taskhand.domain.capabilities import Capabilities
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError
from taskhand.domain.name_matching import fold
from taskhand.domain.task import Task

__all__ = ["check_no_resolution", "settle_resolution"]

_RESOLUTIONS = frozenset({"abandoned", "skipped"})


def check_no_resolution(status_name: str, capabilities: Capabilities) -> None:
    """Refuse a resolution that was sent as a status, if tasks have one."""
    if (word := fold(status_name)) in _RESOLUTIONS and "resolution" not in capabilities.absent:
        raise CallerError(
            f"{word} is no status: it is a resolution, which says how a finished task ended.",
            code="unknown_status",
            next_step=f"Send newStatusName Completed with resolution {word}, or complete_task with it.",
        )


def settle_resolution(edit: Edit, before: Task, *, is_finished: bool) -> Edit:
    """The edit, and without a resolution the empty one if it reopens a task or finishes it once more.

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
