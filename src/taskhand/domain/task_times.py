"""The times when a task was created, changed and finished, which a backend may know; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, Literal

from taskhand.domain.task import Task

__all__ = ["NO_TIMES", "UNKNOWN", "Known", "Moment", "TaskTimes", "moment_of"]

Moment = Literal["created", "updated", "completed"]
"""A moment in the life of a task."""

Known = Literal["created", "updated", "completed", "completed_by"]
"""The times that a backend may know, and the member who finished the task."""


@dataclass(frozen=True, slots=True)
class TaskTimes:
    """When a task was last changed, when it was finished, and by which member.

    Times are aware. None is unknown; an unfinished task has no time of finishing.
    """

    updated: datetime | None = None
    completed: datetime | None = None
    completed_by: str | None = None


UNKNOWN: Final = TaskTimes()
NO_TIMES: Final[Mapping[str, TaskTimes]] = MappingProxyType({})
"""The times of no task, by id."""


def moment_of(task: Task, times: TaskTimes, moment: Moment) -> datetime | None:
    """When the task was created, changed or finished; None if that is not known."""
    if moment == "updated":
        return times.updated
    if moment == "completed":
        return times.completed
    try:
        at = datetime.fromisoformat(task.created_at or "")
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
