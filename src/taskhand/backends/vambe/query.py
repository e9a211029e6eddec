"""The window of Vambe's list that contains all tasks of a query; pure."""

from datetime import UTC, date, datetime, timedelta
from typing import Final

from taskhand.backends.vambe.client import Window
from taskhand.domain.task_query import TaskQuery

__all__ = ["WIDEST", "window_around", "window_of"]

WIDEST: Final = Window("1000-01-01", "9998-12-31")
"""The window of all tasks; Vambe requires both days."""

_SLACK = timedelta(days=2)
"""Days added at each end of a window: Vambe does not document whether its ends are included, and in which zone."""


def window_around(now: datetime, before: int, after: int) -> Window:
    """The window from `before` days before today to `after` days after it."""
    today = now.astimezone(UTC).date()
    return Window((today - timedelta(days=before)).isoformat(), (today + timedelta(days=after)).isoformat())


def window_of(query: TaskQuery, today: date) -> Window:
    """The window that contains all tasks of a query; any window can include tasks without a date."""
    people = () if query.of_nobody else tuple(sorted(query.responsible_ids or ()))
    if query.without_date:
        return Window(WIDEST.first, WIDEST.first, people)
    first = _shift_day(query.from_date, -_SLACK) if query.from_date else WIDEST.first
    _, end = query.due_days(today)
    last = _shift_day(end.isoformat(), _SLACK) if end else WIDEST.last
    return Window(first, max(first, last), people, dateless=query.wants_dateless)


def _shift_day(day: str, by: timedelta) -> str:
    try:
        return (date.fromisoformat(day) + by).isoformat()
    except OverflowError:
        return day
