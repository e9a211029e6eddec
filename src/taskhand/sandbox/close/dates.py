"""Moments: days and instants, which stay what they were (§9)."""

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


def read_moment(text: object, zone: dt.timezone, spec_variant: SpecVariant) -> dt.date:
    """Read a day, or an instant in UTC (a datetime); anything else is a ValueError (§2.2 [D])."""
    if isinstance(text, str) and DAY.fullmatch(text):
        return _in_bounds(dt.date.fromisoformat(text))
    if not isinstance(text, str) or not INSTANT.fullmatch(text):
        raise ValueError("neither a date nor a date-time")
    instant = _in_bounds(dt.datetime.fromisoformat(text))
    if instant.tzinfo is None:  # §9 [?]
        if spec_variant.naive_times == "rejected":
            raise ValueError("a date-time without an offset")
        instant = instant.replace(tzinfo=zone if spec_variant.naive_times == "offset" else dt.UTC)
    return instant.astimezone(dt.UTC)


def _in_bounds(moment: Moment) -> Moment:
    if not dt.MINYEAR < moment.year < dt.MAXYEAR:  # an offset may move it by a day
        raise ValueError("out of range")
    return moment


def text_of(moment: dt.date) -> str:
    """Write a day as `2013-02-06`, an instant as `2025-11-05T00:00:00+00:00` (§2.2 [D])."""
    return moment.isoformat()


def instant_of(moment: dt.date, zone: dt.timezone) -> dt.datetime:
    """Give the instant; that of a day is its midnight in `zone` (§9 [D] for the order, [I] for filters)."""
    if isinstance(moment, dt.datetime):
        return moment
    return dt.datetime.combine(moment, dt.time(), zone)


def order_of(moment: dt.date, zone: dt.timezone) -> tuple[dt.datetime, bool]:
    """Give the key of the order by date: of the same instant, days come first (§9 [D])."""
    return instant_of(moment, zone), isinstance(moment, dt.datetime)


def day_of(instant: dt.datetime, zone: dt.timezone) -> dt.date:
    """Give the day that an instant has in `zone`."""
    return instant.astimezone(zone).date()


def read_zone(header: str | None, home: str, now: dt.datetime, spec_variant: SpecVariant) -> dt.timezone:
    """Read `x-tz-offset`, decimal hours (§1.1 [D]); without a usable one, UTC or the user's zone (§9 [?])."""
    text = (header or "").strip()
    if OFFSET.fullmatch(text) and abs(float(text)) < FURTHEST:
        return dt.timezone(dt.timedelta(hours=float(text)))
    if spec_variant.default_zone == "user":
        return dt.timezone(now.astimezone(ZoneInfo(home)).utcoffset() or dt.timedelta())
    return dt.UTC


def stamp(instant: dt.datetime) -> str:
    """Write a moment of creation or change: milliseconds in six digits, `+00:00` (§2.2 [D])."""
    return _to_milliseconds(instant).isoformat(timespec="microseconds")


def bare_stamp(instant: dt.datetime) -> str:
    """Write a moment as events and subscriptions have it: without an offset (§6.1, §6.2 [R])."""
    return _to_milliseconds(instant).replace(tzinfo=None).isoformat(timespec="microseconds")


def _to_milliseconds(instant: dt.datetime) -> dt.datetime:
    utc = instant.astimezone(dt.UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)
