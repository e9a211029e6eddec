"""The days that a month in words can mean: alone, with a day, its end or middle, its nth weekday; pure.

ValueError for a day that the month does not have. Functions that return several days have found the words ambiguous.
"""

from collections.abc import Callable
from datetime import date

from taskhand.domain.date_words import date_arithmetic
from taskhand.domain.date_words.context import Context, Found
from taskhand.domain.date_words.date_arithmetic import Span
from taskhand.domain.date_words.numeric_dates import date_or_none, days_of_date

__all__ = [
    "day_in_month",
    "day_month",
    "day_of_month",
    "end_of_month",
    "middle_of_month",
    "month_alone",
    "month_day",
    "nth_business_day_in_month",
    "nth_business_day_of_month",
    "nth_weekday_in_month",
    "nth_weekday_of_month",
]


def month_day(context: Context, month: int, day: int, year: int | None = None) -> Found:
    """The day of a month, in the given year, else in the nearest."""
    spans = days_of_date(context, month, day, year)
    if not spans:
        raise ValueError
    return spans


def day_month(context: Context, day: int, month: int, year: int | None = None) -> Found:
    """The same as `month_day`, with the day first."""
    return month_day(context, month, day, year)


def day_of_month(context: Context, day: int) -> list[Span]:
    """The next such day of a month, the last one, or both."""
    months = (date_arithmetic.month_of(context.today, ahead) for ahead in range(-3, 4))
    days = [date_found for month in months if (date_found := date_or_none(month.year, month.month, day))]
    ahead = [candidate for candidate in days if candidate >= context.today][:1]
    behind = [candidate for candidate in days if candidate <= context.today][-1:]
    chosen = {"past": behind, "either": sorted({*behind, *ahead})}.get(context.direction, ahead)
    return [Span.day(candidate) for candidate in chosen]


def day_in_month(context: Context, ahead: int, day: int) -> Found:
    """The day of the month `ahead` months later."""
    return _in_months(context, ahead, lambda first: date_or_none(first.year, first.month, day))


def end_of_month(context: Context, month: int, year: int | None = None) -> Found:
    """The last day of a month."""
    return _in_year(context, month, year, date_arithmetic.last_of_month)


def middle_of_month(context: Context, month: int, year: int | None = None) -> Found:
    """The tenth, the fifteenth and the twentieth."""
    return [span.first.replace(day=day) for span in month_alone(context, month, year) for day in (10, 15, 20)]


def nth_weekday_of_month(context: Context, nth: int, weekday: int, month: int, year: int | None = None) -> Found:
    """The first, second, … or last (-1) such weekday of a month."""
    return _in_year(context, month, year, lambda first: date_arithmetic.nth_weekday(first, nth, weekday))


def nth_weekday_in_month(context: Context, ahead: int, nth: int, weekday: int) -> Found:
    """The same in the month `ahead` months later."""
    return _in_months(context, ahead, lambda first: date_arithmetic.nth_weekday(first, nth, weekday))


def nth_business_day_of_month(context: Context, nth: int, month: int) -> Found:
    """The first, second, … or last (-1) business day of a month."""
    return _in_year(context, month, None, lambda first: date_arithmetic.nth_business_day(first, nth))


def nth_business_day_in_month(context: Context, ahead: int, nth: int) -> Found:
    """The same in the month `ahead` months later."""
    return _in_months(context, ahead, lambda first: date_arithmetic.nth_business_day(first, nth))


def month_alone(context: Context, month: int, year: int | None = None) -> list[Span]:
    """The month in the given year, else in the nearest."""
    years = range(context.today.year - 1, context.today.year + 2) if year is None else (year,)
    spans = [date_arithmetic.month_span(date(candidate, month, 1)) for candidate in years]
    return spans if year is not None else date_arithmetic.nearest_year(spans, context.today, context.direction)


def _in_months(context: Context, ahead: int, day_in: Callable[[date], date | None]) -> Found:
    """A day of the month `ahead` months later; if it has passed in this month, also the day of the next month."""
    first = date_arithmetic.month_of(context.today, ahead)
    day = day_in(first)
    if day is None:
        raise ValueError
    passed = ahead == 0 and day < context.today and context.direction == "future"
    return [day, day_in(date_arithmetic.month_of(first, 1))] if passed else [day]


def _in_year(context: Context, month: int, year: int | None, day_in: Callable[[date], date | None]) -> Found:
    """A day of that month in the given year, else in the nearest year."""
    years = range(context.today.year - 1, context.today.year + 2) if year is None else (year,)
    if any(day_in(span.first) is None for span in month_alone(context, month, year)):
        raise ValueError  # another year is no reading
    spans = [Span.day(day) for candidate in years if (day := day_in(date(candidate, month, 1)))]
    return spans if year is not None else date_arithmetic.nearest_year(spans, context.today, context.direction)
