"""Between `hs_timestamp` and a due date, both ways; pure.

HubSpot keeps an instant, and beside it `hs_task_is_all_day`. How its own all-day tasks choose their instant is not
documented: midnight UTC means that day of UTC's, and any other instant the day on the calendar of the portal. What is
written here is noon of the day there, which is the same day for everybody within half a day's clocks of the portal.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from taskhand.domain.due import Due

__all__ = ["Zones", "day_start_ms", "due_from", "millis_of", "moment_of", "read_otherwise", "stamp_of", "stamp_text"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NOON: Final = time(12)
_MINUTE: Final = timedelta(minutes=1)
_DAY_MS: Final = 86_400_000


class Zones:
    """`shown` is the configured IANA zone, in which instants are shown (None is UTC); `days` is the portal's own.

    Days are those of the portal, whatever is configured; where its zone cannot be read they are those of `shown`.
    """

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
    if not all_day:
        return Due.instant(moment, zones.shown)
    return Due(moment.date() if moment.time() == time() else moment.astimezone(zones.days).date())


def stamp_of(due: Due, zones: Zones) -> str:
    """The `hs_timestamp` to write, ISO 8601 in UTC with milliseconds."""
    if due.at is not None:
        return stamp_text(due.at)
    noon = datetime.combine(due.day, _NOON, zones.days).astimezone(UTC)
    # Where noon is midnight UTC of another day, that instant would mean the other day.
    return stamp_text(noon + _MINUTE if noon.time() == time() and noon.date() != due.day else noon)


def read_otherwise(due: Due, zones: Zones) -> Due | None:
    """What `due` reads as once written, where `hs_task_is_all_day` could not be set with it."""
    return due_from(stamp_of(due, zones), all_day=due.at is not None, zones=zones)


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
