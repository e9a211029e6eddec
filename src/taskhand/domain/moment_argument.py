"""Arguments that are moments: as ISO 8601, on the person's clock if no offset is with it, or in words; pure."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal

from taskhand.domain.errors import CallerError
from taskhand.domain.name_matching import Match
from taskhand.domain.reference_time import Reference

__all__ = ["read_moment"]

_FIRST: Final = datetime(1000, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(9998, 12, 31, tzinfo=UTC)
"""Moments beyond these are clamped: they select the same rows, and may not exist in another zone."""

_CLOCKS: Final = timedelta(minutes=1)
"""The tolerance for a client's clock that is ahead."""


def read_moment(
    argument: str, text: str, edge: Literal["from", "to"], reference: Reference
) -> tuple[datetime, tuple[Match, ...]]:
    """The moment that was sent; for a day, or a period in words, its begin (`from`) or end (`to`).

    CallerError if a window begins in the future, because it is empty.
    """
    at, matched = _find_iso(text, edge, reference), tuple[Match, ...]()
    if at is None:
        from taskhand.domain.date_words.date_arguments import read_edge_of_time  # noqa: PLC0415  few calls have words

        at, matched = read_edge_of_time(argument, text, edge, reference)
    at = min(max(at, _FIRST), _LAST)
    if edge == "from" and at > reference.now + _CLOCKS:
        raise CallerError(
            f"{argument} {text[:60]!r} is in the future.",
            code="invalid_window",
            next_step='Send a past time, such as "yesterday" or "2 hours ago".',
        )
    return at, matched


def _find_iso(text: str, edge: str, reference: Reference) -> datetime | None:
    """The moment of a text in ISO 8601; None for any other."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        pass
    else:
        return datetime.combine(day, time() if edge == "from" else time.max, reference.calendar)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=reference.calendar)
