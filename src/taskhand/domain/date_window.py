"""The span of days in which tasks were created, changed or finished; pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from taskhand.domain.task_times import Moment

__all__ = ["Period"]


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
