"""What is said of HubSpot when the outcome of a write had to be found out, or could not be."""

from typing import Final

from taskhand.backends.remote.messages import Doubt
from taskhand.domain.edit import Edit, current_value
from taskhand.domain.errors import UpstreamError
from taskhand.domain.task import Task

__all__ = ["HUBSPOT", "LOOK", "is_untouched", "not_applied"]

HUBSPOT: Final = Doubt("HubSpot")
LOOK: Final = (
    "Wait a minute, as HubSpot's search is behind, then look with list_tasks for the title; "
    "create it again only if it is not there."
)


def is_untouched(task: Task, before: Task, edit: Edit) -> bool:
    """Whether `task` plainly shows in every field of an edit what it showed before."""
    return all(current_value(task, name) == current_value(before, name) for name, _ in edit.given())


def not_applied() -> UpstreamError:
    """The error for a change that was sent twice, never confirmed, and is not there."""
    return UpstreamError(
        "HubSpot did not confirm the write; reading the task back shows that it was not applied.",
        next_step="Send the same call again later.",
        retryable=True,
    )
