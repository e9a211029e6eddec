"""What is said about a write whose answer was not what it should have been."""

from collections.abc import Iterable
from typing import Final

from taskhand.errors import Candidate, NotFound, OutcomeUnknown

__all__ = ["APPLIED", "FOUND", "NOT_ALONE", "SENT_AGAIN", "no_task", "unsettled"]

APPLIED: Final = "Close did not confirm the write; reading the task back shows it applied."
SENT_AGAIN: Final = "Close did not confirm the first attempt, which was not seen applied; it was sent again."
FOUND: Final = "Close did not confirm the new task; it was found in the list afterwards."
NOT_ALONE: Final = (
    "Close refused these values for this task and others together, and for three of them one by one; "
    "this one was not sent by itself."
)


def unsettled(next_step: str, candidates: Iterable[Candidate] = ()) -> OutcomeUnknown:
    """The error for a write of which nobody can tell whether it was applied."""
    return OutcomeUnknown(
        "Close did not confirm the write, and it could not be found out whether it was applied.",
        candidates=tuple(candidates),
        next_step=next_step,
    )


def no_task(task_id: str) -> NotFound:
    """The error for a task that is not there."""
    return NotFound(
        f"There is no task {task_id} in Close.",
        code="task_not_found",
        next_step="Call list_tasks to find the task's id.",
    )
