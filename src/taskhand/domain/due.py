"""When a task is due: a day, or an instant in a time zone; pure.

A date without a time stays a date. A wall-clock time that a daylight-saving change skips is refused. If the change
repeats a wall-clock time, it means the first one; an ISO 8601 datetime with an offset names the second.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TypedDict
from zoneinfo import ZoneInfo

from taskhand.domain.errors import CallerError, Candidate
from taskhand.domain.task import Task

__all__ = [
    "Due",
    "DueFields",
    "at_wall",
    "day_in",
    "day_of",
    "due_fields",
    "due_of",
    "due_text",
    "instant_text",
    "is_day",
    "is_late",
    "is_overdue",
    "is_supported_year",
    "iso_day",
    "moment_text",
    "shift_due",
    "zone_rules",
]

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_FIRST_YEAR, _LAST_YEAR = 1000, 9998


class DueFields(TypedDict):
    """The documented fields of a due date, in a task."""

    due_at: str | None
    is_all_day: bool
    due_timezone: str | None


@dataclass(frozen=True, slots=True)
class Due:
    """A due date: `at` is the instant in UTC, None if the whole `day` is meant; `zone` is an IANA name."""

    day: date
    at: datetime | None = None
    zone: str | None = None

    @classmethod
    def instant(cls, at: datetime, zone: str | None) -> "Due":
        """A due instant, truncated to milliseconds; its day is the day in `zone` (in UTC if it is None)."""
        at = at.replace(microsecond=at.microsecond // 1000 * 1000)
        return cls(at.astimezone(zone_rules(zone)).date(), at.astimezone(UTC), zone)

    @classmethod
    def read(cls, due_at: str | None, zone: str | None, *, all_day: bool) -> "Due | None":
        """The due date of the documented fields `due_at`, `due_timezone` and `is_all_day`; None if there is none."""
        if due_at is None:
            return None
        at = datetime.fromisoformat(due_at)
        return cls(at.date(), None, zone) if all_day else cls.instant(at, zone)

    @property
    def local(self) -> datetime | None:
        """The instant in its own zone; None for a whole day."""
        return self.at and self.at.astimezone(zone_rules(self.zone))

    @property
    def key(self) -> str:
        """The text that due dates are sorted and filtered by: the local day, then the local time."""
        return self.local.replace(tzinfo=None).isoformat(timespec="seconds") if self.local else self.day.isoformat()

    @property
    def due_at(self) -> str:
        """The documented `due_at`: an instant with milliseconds and Z, or the day at midnight with Z."""
        return instant_text(self.at or datetime.combine(self.day, time(), UTC))

    def __str__(self) -> str:
        """The day, or the local time with its offset."""
        return self.local.isoformat(timespec="minutes") if self.local else self.day.isoformat()


def instant_text(moment: datetime) -> str:
    """An instant as the contract writes it: UTC, milliseconds and Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def due_text(due: Due, default_zone: str | None) -> str:
    """The due date as it is shown, `2026-12-30 Wed` or `2026-12-30T15:00-03:00 Wed`: in its zone, else the default."""
    if due.at is not None:
        return moment_text(due.at, due.zone or default_zone)
    return f"{due.day.isoformat()} {_WEEKDAYS[due.day.weekday()]}"


def moment_text(at: datetime, zone: str | None) -> str:
    """The moment as it is shown: the local time with its offset, and the weekday; without a zone as the moment has it.

    This shows the time of the server's clock in the zone in which words such as today are understood. Seconds are
    shown if there are any.
    """
    local = at.astimezone(zone_rules(zone)) if zone else at
    return f"{local.isoformat(timespec='seconds' if local.second else 'minutes')} {_WEEKDAYS[local.weekday()]}"


def due_of(task: Task) -> Due | None:
    """The due date of a documented Task object; None if it has none."""
    return Due.read(task.due_at, task.due_timezone, all_day=task.is_all_day)


def due_fields(due: Due | None) -> DueFields:
    """The documented fields of a due date."""
    if due is None:
        return {"due_at": None, "is_all_day": False, "due_timezone": None}
    return {"due_at": due.due_at, "is_all_day": due.at is None, "due_timezone": due.zone}


def shift_due(due: Due, days: int, default_zone: str | None) -> Due:
    """The due date `days` later (earlier if negative), at the same wall-clock time in the same zone.

    An instant without a zone keeps its time in `default_zone`. CallerError if that day does not have the time.
    """
    try:
        if due.at is None:
            return _in_range(Due(due.day + timedelta(days), None, due.zone))
        zone = due.zone or default_zone or "UTC"
        local = due.at.astimezone(zone_rules(zone))
        return _in_range(Due.instant(at_wall(local.date() + timedelta(days), local.time(), zone), due.zone))
    except OverflowError:
        raise _out_of_range() from None


def _in_range(due: Due) -> Due:
    if is_supported_year(due.day.year):
        return due
    raise _out_of_range()


def is_supported_year(year: int) -> bool:
    """Whether datetime supports the year in every zone."""
    return _FIRST_YEAR <= year <= _LAST_YEAR


def _out_of_range() -> CallerError:
    return CallerError(
        f"The due date would leave the years {_FIRST_YEAR} to {_LAST_YEAR}.",
        code="invalid_due_date",
        next_step="Shift by fewer days.",
    )


def is_overdue(due: Due | None, now: datetime, default_zone: str | None) -> bool:
    """Whether `due` has passed at `now` (aware); a whole day has passed when it is over in its zone."""
    if due is None:
        return False
    if due.at is not None:
        return due.at < now
    return due.day < day_in(now, due.zone or default_zone)


def day_in(now: datetime, zone: str | None) -> date:
    """The day that it is at `now` (aware) in a zone, else in its own."""
    return (now.astimezone(zone_rules(zone)) if zone else now).date()


def day_of(value: object) -> date | None:
    """The day at the beginning of a text in ISO 8601; None if there is none."""
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def is_late(task: Task, now: datetime, default_zone: str | None) -> bool:
    """Whether a task is unfinished and past due at `now` (aware)."""
    return not task.is_finished and is_overdue(due_of(task), now, default_zone)


def is_day(text: str) -> bool:
    """Whether a text is written as YYYY-MM-DD, be it a day or not."""
    return _DAY.fullmatch(text) is not None


def iso_day(text: str, argument: str) -> str:
    """The given YYYY-MM-DD day; CallerError with the name of the argument if it is not one."""
    if _DAY.fullmatch(text):
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError:
            pass
    raise CallerError(
        f"{argument} {text[:40]!r} is not a day.",
        code="invalid_date",
        next_step=f"Send {argument} as YYYY-MM-DD.",
    )


def zone_rules(zone: str | None) -> ZoneInfo:
    """The rules of a zone; UTC for None, and for a zone that only the CRM knows."""
    try:
        return ZoneInfo(zone or "UTC")
    except (KeyError, ValueError, OSError):  # raised for unknown names, malformed names and names of folders
        return ZoneInfo("UTC")


def at_wall(day: date, clock: time, zone: str) -> datetime:
    """The instant of a wall-clock time; CallerError if the zone's clocks skip that time on that day."""
    rules = zone_rules(zone)
    at = datetime.combine(day, clock, rules).astimezone(UTC)
    after = at.astimezone(rules)
    if (after.date(), after.time()) == (day, clock):
        return at
    around = ((at - timedelta(hours=1)).astimezone(rules), after)
    raise CallerError(
        f"{clock:%H:%M} does not exist on {day} in {zone}: the clocks skip it.",
        code="time_skipped",
        candidates=[Candidate(f"{near:%H:%M}") for near in around if near.date() == day],
        next_step="Send a dueTime that exists that day, or another day.",
    )
