"""Hypothesis strategies for HubSpot: zones, days and instants that exist in them, and text."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import strategies as st

__all__ = ["DAYS", "INSTANTS", "LINES", "TEXT", "ZONES", "exists"]

ZONES = sorted(available_timezones() - {"localtime", "Factory", "posixrules"})
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
LINES = st.lists(TEXT, max_size=4).map("\n".join)
DAYS = st.dates(date(1000, 1, 2), date(9998, 12, 30))
INSTANTS = st.datetimes(datetime(1000, 1, 2), datetime(9998, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 - the zone comes with it


def exists(day: date, zone: ZoneInfo) -> bool:
    """Whether the zone has that day: some islands left one out when they changed sides of the date line."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=zone)
    return noon.astimezone(UTC).astimezone(zone).date() == day
