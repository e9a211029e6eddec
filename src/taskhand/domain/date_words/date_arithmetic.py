"""Arithmetic of days: units, weeks from Monday to Sunday, business days from Monday to Friday, ends of months; pure."""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

__all__ = [
    "FRIDAY",
    "Direction",
    "Span",
    "Unit",
    "add_business_days",
    "add_unit",
    "last_of_month",
    "month_of",
    "month_span",
    "nearest_year",
    "nth_business_day",
    "nth_weekday",
    "period_span",
    "weekday_after",
    "weekday_before",
]

Unit = Literal["day", "week", "fortnight", "month", "quarter", "year"]
Direction = Literal["future", "past", "either", "until"]
"""The side of today on which a day without its week or year lies: future (a due date), past (a journal entry).

The last day of a window (`until`) is a coming weekday, and the nearest date."""

FRIDAY: Final = 4
"""As `date.weekday` counts; the days after it are no business days."""
_DAYS: Final[Mapping[str, int]] = {"day": 1, "week": 7, "fortnight": 14}
_MONTHS: Final[Mapping[str, int]] = {"month": 1, "quarter": 3, "year": 12}
_RECENT: Final = timedelta(31)
"""A day without its year is ambiguous if it passed more recently than this: the next one is almost a year away."""
_NEAR: Final = timedelta(92)
"""If a day may lie on either side, the nearer one is chosen up to this distance."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """The days from `first` to `last`, both included; a single day if they are equal."""

    first: date
    last: date

    @classmethod
    def day(cls, day: date) -> "Span":
        """A single day."""
        return cls(day, day)

    @property
    def is_day(self) -> bool:
        """Whether it is a single day."""
        return self.first == self.last


def add_unit(day: date, count: int, unit: Unit) -> date:
    """The day `count` units later; in a shorter month the last day of it."""
    if unit in _DAYS:
        return day + timedelta(count * _DAYS[unit])
    first = month_of(day, count * _MONTHS[unit])
    return first.replace(day=min(day.day, last_of_month(first).day))


def add_business_days(day: date, count: int) -> date:
    """The day `count` business days later, earlier if negative."""
    step = timedelta(1 if count > 0 else -1)
    for _ in range(abs(count)):
        day += step
        while day.weekday() > FRIDAY:
            day += step
    return day


def month_of(day: date, ahead: int = 0) -> date:
    """The first day of the month that is `ahead` months later."""
    months = day.year * 12 + day.month - 1 + ahead
    return date(months // 12, months % 12 + 1, 1)


def last_of_month(day: date) -> date:
    """The last day of the month of `day`."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def month_span(first: date) -> Span:
    """The month that begins on `first`."""
    return Span(first, last_of_month(first))


def period_span(day: date, unit: Unit, ahead: int) -> Span:
    """The week, month, quarter or year that is `ahead` ones after that of `day`."""
    if unit == "week":
        monday = day + timedelta(7 * ahead - day.weekday())
        return Span(monday, monday + timedelta(6))
    size = _MONTHS[unit]
    first = month_of(day, ahead * size - (day.month - 1) % size)
    return Span(first, last_of_month(month_of(first, size - 1)))


def weekday_after(day: date, weekday: int) -> date:
    """The first such weekday after `day`."""
    return day + timedelta((weekday - day.weekday() - 1) % 7 + 1)


def weekday_before(day: date, weekday: int) -> date:
    """The last such weekday before `day`."""
    return day - timedelta((day.weekday() - weekday - 1) % 7 + 1)


def nth_weekday(first: date, nth: int, weekday: int) -> date | None:
    """The nth such weekday of the month that begins on `first`, the last for -1; None if the month has fewer."""
    if nth < 0:
        return weekday_before(month_of(first, 1), weekday)
    day = weekday_after(first - timedelta(1), weekday) + timedelta(7 * (nth - 1))
    return day if day.month == first.month else None


def nth_business_day(first: date, nth: int) -> date | None:
    """The nth business day of the month that begins on `first`, the last for -1; None if the month has fewer."""
    if nth < 0:
        return add_business_days(month_of(first, 1), -1)
    day = add_business_days(first - timedelta(1), nth)
    return day if day.month == first.month else None


def nearest_year(spans: list[Span], today: date, direction: Direction) -> list[Span]:
    """The day or period to choose among those of several years, in their order; two if it is ambiguous."""
    coming = next((span for span in spans if span.last >= today), None)
    gone = next((span for span in reversed(spans) if span.first <= today), None)
    if coming == gone:
        return [coming] if coming else []
    if coming is None or gone is None:
        wanted = {"future": coming, "past": gone}.get(direction, coming or gone)
        return [wanted] if wanted else []
    until, since = coming.first - today, today - gone.last
    match direction:
        case "future":
            return [gone, coming] if since <= _RECENT < until else [coming]
        case "past":
            return [gone, coming] if until <= _RECENT < since else [gone]
        case "either" | "until":
            return [gone, coming] if min(until, since) > _NEAR else [coming if until < since else gone]
