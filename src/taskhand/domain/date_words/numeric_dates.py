"""Dates of numbers, such as 05/12: whether the day or the month stands first, and the year if none is given; pure."""

from datetime import date

from taskhand.domain.date_words.context import Context, Found
from taskhand.domain.date_words.date_arithmetic import Span, nearest_year

__all__ = ["date_or_none", "days_of_date", "numeric_date"]


def numeric_date(context: Context, parts: tuple[int, int, str | None], *, day_first: bool) -> Found:
    """A date of numbers: the day stands first, or second; with a year of two digits the year may stand first."""
    first, second, year = parts
    orders = [(first, second)] if day_first else [(first, second), (second, first)]
    years = (
        None if year is None else int(year) if len(year) == len("2026") else context.today.year // 100 * 100 + int(year)
    )
    spans: set[Span] = set()
    for day, month in orders:
        spans.update(days_of_date(context, month, day, years))
    if year is not None and len(year) == len("26") and not day_first:
        spans.update(days_of_date(context, second, int(year), context.today.year // 100 * 100 + first))
    if not spans and day_first:
        spans.update(days_of_date(context, first, second, years))
    if not spans:
        raise ValueError
    return sorted(spans)


def days_of_date(context: Context, month: int, day: int, year: int | None) -> list[Span]:
    """The day of that date, several if its year is not certain; none if there is no such day."""
    years = range(context.today.year - 1, context.today.year + 3) if year is None else (year,)
    spans = [Span.day(in_year) for candidate in years if (in_year := date_or_none(candidate, month, day))]
    # The nearest 29 February may be years away, which is too far.
    spans = [span for span in spans if year is not None or abs(span.first.year - context.today.year) <= 1]
    return spans if year is not None else nearest_year(spans, context.today, context.direction)


def date_or_none(year: int, month: int, day: int) -> date | None:
    """The day; None if the month has no such day."""
    try:
        return date(year, month, day)
    except ValueError:
        return None
