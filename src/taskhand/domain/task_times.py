"""The times when a task was created, changed and finished, which a backend may know; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from types import MappingProxyType
from typing import Final, Literal

from taskhand.domain.task import Task

__all__ = ["NO_TIMES", "UNKNOWN", "Known", "Moment", "Period", "TaskTimes", "moment_of"]

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


@dataclass(frozen=True, slots=True)
class Period:
    """A span of a moment of tasks: from `start`, inclusive, to `end`, exclusive; aware; None is open."""

    moment: Moment
    start: datetime | None
    end: datetime | None

    @classmethod
    def of_days(cls, moment: Moment, first: str | None, last: str | None, zone: tzinfo) -> "Period":
        """The span from the first to the last ISO day, both included, in a zone."""
        return cls(moment, _midnight(first, timedelta(), zone), _midnight(last, timedelta(days=1), zone))

    def contains(self, at: datetime | None) -> bool:
        """Whether the moment lies in the span; one that is not known does not."""
        return at is not None and (self.start is None or self.start <= at) and (self.end is None or at < self.end)


def _midnight(day: str | None, later: timedelta, zone: tzinfo) -> datetime | None:
    """The instant at which a day, or a later one, begins in a zone; None for no day, and beyond the calendar."""
    try:
        return None if day is None else datetime.combine(date.fromisoformat(day) + later, time(), zone).astimezone(UTC)
    except OverflowError:
        return None


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
