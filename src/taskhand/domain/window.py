"""The window of a filter: its first and last day, which may be sent in words; pure."""

from pydantic import MISSING

from taskhand.domain.due import is_day
from taskhand.domain.names import Match
from taskhand.domain.query import TaskFilter
from taskhand.domain.reference import Reference

__all__ = ["with_iso_days"]


def with_iso_days(given: TaskFilter, reference: Reference) -> tuple[TaskFilter, tuple[Match, ...]]:
    """The filter with its days as YYYY-MM-DD, and the days that were sent in words; CallerError for unclear words.

    Of a period, such as this week, fromDate is the first day and toDate the last. Tasks were created, changed and
    finished in the past; due dates lie on either side.
    """
    is_past = given.date_field is not MISSING and given.date_field != "due"
    first, first_matched = _iso_day("fromDate", given.from_date, reference, is_past=is_past)
    last, last_matched = _iso_day("toDate", given.to_date, reference, is_past=is_past)
    return given.model_copy(update=first | last), first_matched + last_matched


def _iso_day(
    argument: str, text: str | MISSING, reference: Reference, *, is_past: bool
) -> tuple[dict[str, str], tuple[Match, ...]]:
    """The field of an argument as YYYY-MM-DD; empty where it is not given, or is one already."""
    if text is MISSING or is_day(text):
        return {}, ()
    from taskhand.domain.date_words.arguments import read_edge  # noqa: PLC0415  no start waits for the grammar

    if argument == "fromDate":
        day, matched = read_edge(argument, text, "from", reference, "past" if is_past else "either")
        return {"from_date": day.isoformat()}, matched
    day, matched = read_edge(argument, text, "to", reference, "past" if is_past else "until")
    return {"to_date": day.isoformat()}, matched
