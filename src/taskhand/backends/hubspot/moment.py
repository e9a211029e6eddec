"""Between `hs_timestamp` and a due date, both ways; pure.

HubSpot keeps an instant, and beside it `hs_task_is_all_day`. How its own all-day tasks choose their instant is not
documented: whatever it is, the day is the one on the calendar of the portal at that instant. What is written here is
noon of the day, which is the same day for everybody within half a day's clocks of the portal.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from taskhand.due import Due

__all__ = ["Zones", "day_start_ms", "due_from", "millis_of", "moment_of", "stamp_of", "stamp_text"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NOON: Final = time(12)
_DAY_MS: Final = 86_400_000


class Zones:
    """`shown` is the configured IANA zone, in which instants are shown (None is UTC); `days` is that of days."""

    def __init__(self, shown: str | None, days: str | None = None) -> None:
        self.shown = shown
        self.days = ZoneInfo(days or shown or "UTC")


def moment_of(raw: object) -> datetime | None:
    """The instant that a value means, as ISO 8601 or epoch milliseconds; None for an empty one.

    Raises ValueError for anything else: a due date that cannot be read must not look like none.
    """
    if raw is None or raw == "":
        return None
    text = str(raw)
    if text.lstrip("-").isdecimal():
        return _EPOCH + timedelta(milliseconds=int(text))
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def due_from(raw: object, *, all_day: bool, zones: Zones) -> Due | None:
    """When a task is due; ValueError or OverflowError for a value that is no moment."""
    moment = moment_of(raw)
    if moment is None:
        return None
    return Due(moment.astimezone(zones.days).date()) if all_day else Due.instant(moment, zones.shown)


def stamp_of(due: Due, zones: Zones) -> str:
    """The `hs_timestamp` to write, ISO 8601 in UTC with milliseconds."""
    return stamp_text(due.at or datetime.combine(due.day, _NOON, zones.days))


def stamp_text(moment: datetime) -> str:
    """An instant as the contract writes it: UTC, milliseconds and Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def day_start_ms(day: date, shift_days: int = 0) -> str:
    """Epoch milliseconds of midnight UTC, some days later or earlier, as search filters take them."""
    midnight = (datetime.combine(day, time(), UTC) - _EPOCH) // timedelta(milliseconds=1)
    return str(midnight + shift_days * _DAY_MS)


def millis_of(moment: datetime) -> str:
    """Epoch milliseconds as text."""
    return str((moment - _EPOCH) // timedelta(milliseconds=1))
