"""When a task is due: a day, or an instant in a time zone; pure.

A date without a time stays a date. A wall-clock time that a daylight-saving change skips is refused. If the change
repeats a wall-clock time, it means the first one; an ISO 8601 datetime with an offset names the second.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pydantic import MISSING

from taskhand.domain.errors import CallerError, Candidate
from taskhand.domain.name_matching import Match
from taskhand.domain.reference_time import Reference
from taskhand.domain.task import Task
from taskhand.domain.zones import known_zone

__all__ = [
    "Due",
    "DueRequest",
    "at_wall",
    "day_in",
    "due_of",
    "due_text",
    "instant_text",
    "is_day",
    "is_late",
    "is_overdue",
    "iso_day",
    "moment_text",
    "shifted",
]

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}([T ][\d:.]+(Z|[+-][\d:]+)?)?", re.ASCII | re.IGNORECASE)
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_FIRST_YEAR, _LAST_YEAR = 1000, 9998  # in every zone these are years that datetime supports


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
        return cls(at.astimezone(_zone_info(zone)).date(), at.astimezone(UTC), zone)

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
        return self.at and self.at.astimezone(_zone_info(self.zone))

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


@dataclass(frozen=True, slots=True)
class DueRequest:
    """The documented due fields of a request, parsed; `MISSING` means not given, None means null.

    `due_date` is a day, or the instant that dueDate names, in the offset that it was written with. `timezone` is an
    IANA name in its official spelling. `matched` are the days and times that were sent in words.
    """

    due_date: date | datetime | None | MISSING = MISSING
    due_time: time | None | MISSING = MISSING
    timezone: str | None | MISSING = MISSING
    matched: tuple[Match, ...] = ()

    @classmethod
    def parse(
        cls,
        due_date: str | None | MISSING = MISSING,
        due_time: str | None | MISSING = MISSING,
        timezone: str | None | MISSING = MISSING,
        *,
        reference: Reference,
    ) -> "DueRequest":
        """Parse dueDate, dueTime and timezone as they were sent; CallerError says what to send instead.

        Words count from `reference`, in the given zone, else in that of the reference.
        """
        zone = known_zone(timezone) if isinstance(timezone, str) else timezone
        clock, time_matched = _parse_time(due_time) if isinstance(due_time, str) else (due_time, ())
        if isinstance(due_date, str) and not _MOMENT.fullmatch(due_date):
            return _parse_words(due_date, clock, zone, time_matched, reference)
        day = _parse_date(due_date) if isinstance(due_date, str) else due_date
        if day is None and isinstance(clock, time):
            raise CallerError(
                "dueTime needs a date, and dueDate is null.",
                code="due_date_required",
                next_step="Send dueDate as YYYY-MM-DD with dueTime, or dueDate null alone to remove the due date.",
            )
        return cls(day, clock, zone, time_matched)

    @property
    def is_given(self) -> bool:
        """Whether the request has any of the three fields."""
        return any(part is not MISSING for part in (self.due_date, self.due_time, self.timezone))

    @property
    def needs_current_day(self) -> bool:
        """Whether the request keeps the day of the current due date and drops its time."""
        return self.due_date is MISSING and self.due_time is None

    @property
    def needs_current_due(self) -> bool:
        """Whether the request keeps the day, the time or the zone of the current due date."""
        is_day = self.is_midnight or (not isinstance(self.due_date, datetime) and self.due_date is not None)
        return self.due_date is MISSING or (is_day and self.due_time is MISSING)

    @property
    def is_midnight(self) -> bool:
        """Whether dueDate is an instant that may mean a day.

        The documentation writes the day 2025-11-26 as `2025-11-26T00:00:00.000Z`
        (https://docs.vambe.me/reference/tasks/create-task), and so does the `due_at` of an all-day task.
        """
        at = self.due_date
        return isinstance(at, datetime) and at.utcoffset() == timedelta() and at.time() == time()

    def on(self, before: Due | None, default_zone: str | None, *, midnight_is_day: bool = False) -> Due | None:
        """The due date after this request is applied to `before`.

        Midnight in UTC is an instant if the task has a time, unless `midnight_is_day`; else it is that day.
        CallerError if a required part is missing or two parts contradict each other.
        """
        nothing_to_clear = before is None and not isinstance(self.due_time, time) and not isinstance(self.timezone, str)
        if self.due_date is None or (self.due_date is MISSING and nothing_to_clear):
            return None
        day = self._day(before)
        has_time = before is not None and before.at is not None and self.due_time is MISSING
        is_day = self.is_midnight and (midnight_is_day or not has_time)
        at = self.due_date if isinstance(self.due_date, datetime) and not is_day else None
        zone = self.timezone if isinstance(self.timezone, str) else before.zone if before else None
        if isinstance(self.due_time, time):
            return _timed(day, at, self.due_time, zone or default_zone)
        if at is not None and self.due_time is MISSING:
            return Due.instant(at, zone or default_zone)
        zone_after = None if self.timezone is None else zone
        if at is not None:
            return Due(at.astimezone(_zone_info(zone or default_zone)).date(), None, zone_after)
        if before is None or before.local is None or self.due_time is None:
            return Due(day, None, zone_after)
        # Only the day or the zone moves: the time on the clock stays.
        return Due.instant(at_wall(day, before.local.time(), zone or "UTC"), zone_after)

    def _day(self, before: Due | None) -> date:
        """The requested day as it was written, or the task's own."""
        if isinstance(self.due_date, datetime):
            return self.due_date.date()
        if isinstance(self.due_date, date):
            return self.due_date
        if before is not None:
            return before.day
        raise CallerError(
            "dueTime or timezone was given, but the task has no due date.",
            code="due_date_required",
            next_step="Send dueDate as YYYY-MM-DD together with dueTime and timezone.",
        )


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
    local = at.astimezone(_zone_info(zone)) if zone else at
    return f"{local.isoformat(timespec='seconds' if local.second else 'minutes')} {_WEEKDAYS[local.weekday()]}"


def due_of(task: Task) -> Due | None:
    """The due date of a documented Task object; None if it has none."""
    return Due.read(task.due_at, task.due_timezone, all_day=task.is_all_day)


def shifted(due: Due, days: int, default_zone: str | None) -> Due:
    """The due date `days` later (earlier if negative), at the same wall-clock time in the same zone.

    An instant without a zone keeps its time in `default_zone`. CallerError if that day does not have the time.
    """
    try:
        if due.at is None:
            return _in_range(Due(due.day + timedelta(days), None, due.zone))
        zone = due.zone or default_zone or "UTC"
        local = due.at.astimezone(_zone_info(zone))
        return _in_range(Due.instant(at_wall(local.date() + timedelta(days), local.time(), zone), due.zone))
    except OverflowError:
        raise _out_of_range() from None


def _in_range(due: Due) -> Due:
    if _FIRST_YEAR <= due.day.year <= _LAST_YEAR:
        return due
    raise _out_of_range()


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
    return (now.astimezone(_zone_info(zone)) if zone else now).date()


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


def _zone_info(zone: str | None) -> ZoneInfo:
    """The rules of a zone; UTC for None, and for a zone that only the CRM knows."""
    try:
        return ZoneInfo(zone or "UTC")
    except (KeyError, ValueError, OSError):  # raised for unknown names, malformed names and names of folders
        return ZoneInfo("UTC")


def _parse_time(text: str) -> tuple[time, tuple[Match, ...]]:
    if _CLOCK.fullmatch(text):
        return time.fromisoformat(text), ()
    from taskhand.domain.date_words.arguments import read_due_time  # noqa: PLC0415  no start waits for the grammar

    return read_due_time(text)


def _parse_words(
    text: str,
    clock: time | None | MISSING,
    zone: str | None | MISSING,
    time_matched: tuple[Match, ...],
    reference: Reference,
) -> DueRequest:
    """The request of a dueDate in words, which may have a time; CallerError if `clock` is another one.

    If no zone is known the time is one on the clock of whatever zone the due date will have.
    """
    from taskhand.domain.date_words.arguments import read_due  # noqa: PLC0415  no start waits for the grammar

    due = read_due(text, reference, zone if isinstance(zone, str) else None)
    said = due.at.time() if due.at else due.clock
    matched = (*due.matched, *time_matched)
    if said is None and not (due.is_whole_day and isinstance(clock, time)):
        return DueRequest(due.day, None if due.is_whole_day else clock, zone, matched)
    if clock is not MISSING and clock != said:
        raise CallerError(
            f"dueDate {text[:60]!r} is {said.strftime('%H:%M') if said else 'a whole day'}, "
            f"but dueTime is {clock.strftime('%H:%M') if clock else 'null'}.",
            code="due_conflict",
            next_step="Send the time in one of the two.",
        )
    return DueRequest(due.at, MISSING, zone, matched) if due.at else DueRequest(due.day, said, zone, matched)


def _parse_date(text: str) -> date | datetime:
    """The day, or the instant if `text` is a datetime with an offset."""
    day, clock = "as YYYY-MM-DD", ""
    if (at := _parse_datetime(text)) is not None and _FIRST_YEAR <= at.year <= _LAST_YEAR:
        if _DAY.fullmatch(text):
            return at.date()
        if at.tzinfo is not None:
            return at
        day, clock = f"{at:%Y-%m-%d}", f" {at:%H:%M}"
    raise CallerError(
        f"dueDate {text[:60]!r} is neither a day nor a datetime with an offset.",
        code="invalid_due_date",
        next_step=f"Send dueDate {day} (with dueTime{clock} and timezone, an IANA name, for a time), "
        "or a full ISO 8601 datetime with offset, e.g. 2026-03-01T15:00:00-03:00.",
    )


def _parse_datetime(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        return None


def _timed(day: date, at: datetime | None, clock: time, zone: str | None) -> Due:
    """The due date of a day, or of the instant `at`, with the dueTime `clock` in `zone`."""
    if zone is None:
        raise CallerError(
            "A due time needs a timezone, but neither the call, the task nor the configuration has one.",
            code="timezone_required",
            next_step="Send timezone with an IANA name such as America/Santiago, or set TASKHAND_TIMEZONE.",
        )
    if at is not None:
        day = _day_of_agreement(at, clock, zone)
    return Due.instant(at_wall(day, clock, zone), zone)


def _day_of_agreement(at: datetime, clock: time, zone: str) -> date:
    """The day, if dueDate names the instant `at` and a dueTime is given too.

    The documented samples send 15:00 local time as `T15:00:00.000Z`. So dueTime may be the time as written, and then
    the day is the written one, or the time in `zone`, and then the day is the one in `zone`. CallerError otherwise.
    """
    local = at.astimezone(_zone_info(zone))
    if (at.hour, at.minute) == (clock.hour, clock.minute):
        return at.date()
    if (local.hour, local.minute) == (clock.hour, clock.minute):
        return local.date()
    raise CallerError(
        f"dueDate {at.isoformat()} is {local:%H:%M} in {zone}, but dueTime is {clock:%H:%M}.",
        code="due_conflict",
        next_step="Send dueDate as YYYY-MM-DD with dueTime and timezone.",
    )


def at_wall(day: date, clock: time, zone: str) -> datetime:
    """The instant of a wall-clock time; CallerError if the zone's clocks skip that time on that day."""
    rules = _zone_info(zone)
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
