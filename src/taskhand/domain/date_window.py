"""The window of a filter: its days, which may be sent in words, and the span of moments that they stand for; pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from pydantic import MISSING

from taskhand.domain.due import is_day
from taskhand.domain.name_matching import Match
from taskhand.domain.reference_time import Reference
from taskhand.domain.task_query import TaskFilter
from taskhand.domain.task_times import Moment

__all__ = ["Period", "with_iso_days"]


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


def with_iso_days(task_filter: TaskFilter, reference: Reference) -> tuple[TaskFilter, tuple[Match, ...]]:
    """The filter with its days as YYYY-MM-DD, and the days that were sent in words; CallerError for unclear words.

    A period, such as this week, gives its first day to fromDate and its last to toDate; fromDate alone gives both.
    Tasks were created, changed and finished in the past; due dates lie on either side.
    """
    is_past = task_filter.date_field is not MISSING and task_filter.date_field != "due"
    days, matched = _first_days(task_filter, reference, is_past=is_past)
    if not (task_filter.to_date is MISSING or is_day(task_filter.to_date)):
        from taskhand.domain.date_words.date_arguments import read_edge  # noqa: PLC0415  no start waits for the grammar

        last, last_matched = read_edge("toDate", task_filter.to_date, "to", reference, "past" if is_past else "until")
        days, matched = days | {"to_date": last.isoformat()}, matched + last_matched
    return task_filter.model_copy(update=days), matched


def _first_days(
    task_filter: TaskFilter, reference: Reference, *, is_past: bool
) -> tuple[dict[str, str], tuple[Match, ...]]:
    """The days that fromDate means; none if it is not given, or is one already."""
    text = task_filter.from_date
    if text is MISSING or is_day(text):
        return {}, ()
    from taskhand.domain.date_words.date_arguments import read_edge, read_window  # noqa: PLC0415  as above

    if task_filter.to_date is not MISSING:
        first, matched = read_edge("fromDate", text, "from", reference, "past" if is_past else "either")
        return {"from_date": first.isoformat()}, matched
    first, last, matched = read_window(text, reference, "past" if is_past else "either")
    return {"from_date": first.isoformat()} | ({"to_date": last.isoformat()} if last else {}), matched


def _midnight(day: str | None, later: timedelta, zone: tzinfo) -> datetime | None:
    """The instant at which a day, or a later one, begins in a zone; None for no day, and beyond the calendar."""
    try:
        return None if day is None else datetime.combine(date.fromisoformat(day) + later, time(), zone).astimezone(UTC)
    except OverflowError:
        return None
