"""The UTC offset with which Close computes the days of a request; pure."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

__all__ = ["offset_on"]


def offset_on(day: date, zone: str | None) -> str:
    """The UTC offset of a zone (UTC if None) at noon of a day, in decimal hours; it changes with daylight saving.

    Source: https://developer.close.com/api/overview/timezone-offsets.
    """
    offset = datetime.combine(day, time(12), ZoneInfo(zone or "UTC")).utcoffset()
    return f"{offset.total_seconds() / 3600:.4g}" if offset else "0"
