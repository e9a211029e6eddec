"""What is said about a write whose answer was not what it should have been."""

from typing import Final

from taskhand.backends.remote.messages import Doubt
from taskhand.domain.errors import NotFound, OutcomeUnknown

__all__ = ["CLOSE", "LOOK", "NOT_ALONE", "no_task", "not_surely_gone"]

CLOSE: Final = Doubt("Close")
LOOK: Final = "Close's lists may be behind by up to a minute: read the tasks with get_task, then decide."
NOT_ALONE: Final = (
    "Close refused these values for this task and others together, and for three of them one by one; "
    "this one was not sent by itself."
)


def no_task(task_id: str) -> NotFound:
    """The error for a task that is not there."""
    return NotFound(
        f"There is no task {task_id} in Close.",
        code="task_not_found",
        next_step="Call list_tasks to find the task's id.",
    )


def not_surely_gone(task_id: str) -> OutcomeUnknown:
    """The error for a deletion of which nobody can tell whether it was done."""
    return CLOSE.unsettled(
        f"Close may show a deleted task for up to a minute: wait a minute, then read task {task_id} with get_task."
    )
