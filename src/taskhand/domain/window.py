"""The window of a filter: its first and last day, which may be sent in words; pure."""

from pydantic import MISSING

from taskhand.domain.due import is_day
from taskhand.domain.names import Match
from taskhand.domain.query import TaskFilter
from taskhand.domain.reference import Reference

__all__ = ["with_iso_days"]


def with_iso_days(given: TaskFilter, reference: Reference) -> tuple[TaskFilter, tuple[Match, ...]]:
    """The filter with its days as YYYY-MM-DD, and the days that were sent in words; CallerError for unclear words.

    Of a period, such as this week, fromDate is the first day and toDate the last.
    """
    first, first_matched = _iso_day("fromDate", given.from_date, reference)
    last, last_matched = _iso_day("toDate", given.to_date, reference)
    return given.model_copy(update=first | last), first_matched + last_matched


def _iso_day(argument: str, text: str | MISSING, reference: Reference) -> tuple[dict[str, str], tuple[Match, ...]]:
    """The field of an argument as YYYY-MM-DD; empty where it is not given, or is one already."""
    if text is MISSING or is_day(text):
        return {}, ()
    from taskhand.domain.date_words.arguments import read_edge  # noqa: PLC0415  no start waits for the grammar

    if argument == "fromDate":
        day, matched = read_edge(argument, text, "from", reference, "either")
        return {"from_date": day.isoformat()}, matched
    day, matched = read_edge(argument, text, "to", reference, "until")
    return {"to_date": day.isoformat()}, matched
