"""What is said when the outcome of a write had to be found out, or could not be."""

from collections.abc import Iterable
from typing import Final

from taskhand.errors import Candidate, OutcomeUnknown

__all__ = ["ACCEPTED", "APPLIED", "FOUND", "LOOK", "SENT_AGAIN", "look_at", "unsettled"]

APPLIED: Final = "HubSpot did not confirm the write; reading the task back shows it applied."
SENT_AGAIN: Final = "HubSpot did not confirm the first attempt, which was not applied; it was sent again."
FOUND: Final = "HubSpot did not confirm the new task; it was found afterwards."
ACCEPTED: Final = "HubSpot accepted the write; the task could not be read back, so this is as HubSpot confirmed it."
LOOK: Final = (
    "Wait a minute, as HubSpot's search is behind, then look with list_tasks for the title; "
    "create it again only if it is not there."
)


def unsettled(next_step: str, candidates: Iterable[Candidate] = ()) -> OutcomeUnknown:
    """The error for a write of which nobody can tell whether it was applied."""
    return OutcomeUnknown(
        "HubSpot did not confirm the write, and it could not be found out whether it was applied.",
        candidates=tuple(candidates),
        next_step=next_step,
    )


def look_at(task_id: str) -> str:
    """What to do about a task in doubt."""
    return f"Read task {task_id} with get_task, then decide."
