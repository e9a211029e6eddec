"""Dates without a time (`date`) and instants (`datetime` in UTC). A stored date keeps its kind."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, TypeVar
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from taskhand.sandbox.close.spec_variant import SpecVariant

Moment = TypeVar("Moment", bound=dt.date)

DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?", re.ASCII)
OFFSET = re.compile(r"[+-]?\d{1,2}(\.\d{1,4})?", re.ASCII)
FURTHEST = 24.0  # hours


def parse_date(text: object, zone: dt.timezone, spec_variant: SpecVariant) -> dt.date:
    """Parse a date, or a date-time as a `datetime` in UTC; anything else is a ValueError."""
    if isinstance(text, str) and DAY.fullmatch(text):
        return _in_bounds(dt.date.fromisoformat(text))
    if not isinstance(text, str) or not INSTANT.fullmatch(text):
        raise ValueError("neither a date nor a date-time")
    instant = _in_bounds(dt.datetime.fromisoformat(text))
    if instant.tzinfo is None:
        if spec_variant.naive_times == "rejected":
            raise ValueError("a date-time without an offset")
        instant = instant.replace(tzinfo=zone if spec_variant.naive_times == "offset" else dt.UTC)
    return instant.astimezone(dt.UTC)


def _in_bounds(moment: Moment) -> Moment:
    if not dt.MINYEAR < moment.year < dt.MAXYEAR:  # an offset may move it to another day
        raise ValueError("out of range")
    return moment


def date_text(moment: dt.date) -> str:
    """Write a date as `2013-02-06`, an instant as `2025-11-05T00:00:00+00:00`."""
    return moment.isoformat()


def to_instant(moment: dt.date, zone: dt.timezone) -> dt.datetime:
    """Return the instant; that of a date is its midnight in `zone` (documented for sorting, assumed for filters)."""
    if isinstance(moment, dt.datetime):
        return moment
    return dt.datetime.combine(moment, dt.time(), zone)


def date_sort_key(moment: dt.date, zone: dt.timezone) -> tuple[dt.datetime, bool]:
    """Return the documented key for sorting: at the same instant, dates come before date-times."""
    return to_instant(moment, zone), isinstance(moment, dt.datetime)


def to_day(instant: dt.datetime, zone: dt.timezone) -> dt.date:
    """Return the date of an instant in `zone`."""
    return instant.astimezone(zone).date()


def parse_zone(header: str | None, home: str, now: dt.datetime, spec_variant: SpecVariant) -> dt.timezone:
    """Parse `x-tz-offset`, which is in decimal hours; a missing or invalid one is UTC or the user's offset."""
    text = (header or "").strip()
    if OFFSET.fullmatch(text) and abs(float(text)) < FURTHEST:
        return dt.timezone(dt.timedelta(hours=float(text)))
    if spec_variant.default_zone == "user":
        return dt.timezone(now.astimezone(ZoneInfo(home)).utcoffset() or dt.timedelta())
    return dt.UTC


def format_instant(instant: dt.datetime) -> str:
    """Write an instant as tasks have it: milliseconds in six digits, `+00:00`."""
    return _to_milliseconds(instant).isoformat(timespec="microseconds")


def format_instant_without_offset(instant: dt.datetime) -> str:
    """Write an instant as events and subscriptions have it: in UTC without an offset."""
    return _to_milliseconds(instant).replace(tzinfo=None).isoformat(timespec="microseconds")


def _to_milliseconds(instant: dt.datetime) -> dt.datetime:
    utc = instant.astimezone(dt.UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)
