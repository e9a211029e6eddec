"""The due date that a call asks for, in the documented fields dueDate, dueTime and timezone; pure."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from pydantic import MISSING

from taskhand.domain.due import Due, at_wall, is_day, is_supported_year, zone_rules
from taskhand.domain.errors import CallerError
from taskhand.domain.name_matching import Match
from taskhand.domain.reference_time import Reference
from taskhand.domain.time_zones import known_zone

__all__ = ["DueRequest"]

_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}([T ][\d:.]+(Z|[+-][\d:]+)?)?", re.ASCII | re.IGNORECASE)
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)


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
            return _due_at_time(day, at, self.due_time, zone or default_zone)
        if at is not None and self.due_time is MISSING:
            return Due.instant(at, zone or default_zone)
        zone_after = None if self.timezone is None else zone
        if at is not None:
            return Due(at.astimezone(zone_rules(zone or default_zone)).date(), None, zone_after)
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


def _parse_time(text: str) -> tuple[time, tuple[Match, ...]]:
    if _CLOCK.fullmatch(text):
        return time.fromisoformat(text), ()
    from taskhand.domain.date_words.date_arguments import read_due_time  # noqa: PLC0415  no start waits for the grammar

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
    from taskhand.domain.date_words.date_arguments import read_due  # noqa: PLC0415  no start waits for the grammar

    due = read_due(text, reference, zone if isinstance(zone, str) else None)
    stated_clock = due.at.time() if due.at else due.clock
    matched = (*due.matched, *time_matched)
    if stated_clock is None and not (due.is_whole_day and isinstance(clock, time)):
        return DueRequest(due.day, None if due.is_whole_day else clock, zone, matched)
    if clock is not MISSING and clock != stated_clock:
        raise CallerError(
            f"dueDate {text[:60]!r} is {stated_clock.strftime('%H:%M') if stated_clock else 'a whole day'}, "
            f"but dueTime is {clock.strftime('%H:%M') if clock else 'null'}.",
            code="due_conflict",
            next_step="Send the time in one of the two.",
        )
    return DueRequest(due.at, MISSING, zone, matched) if due.at else DueRequest(due.day, stated_clock, zone, matched)


def _parse_date(text: str) -> date | datetime:
    """The day, or the instant if `text` is a datetime with an offset."""
    day, clock = "as YYYY-MM-DD", ""
    try:
        at = datetime.fromisoformat(text.upper())
    except ValueError:
        at = None
    if at is not None and is_supported_year(at.year):
        if is_day(text):
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


def _due_at_time(day: date, at: datetime | None, clock: time, zone: str | None) -> Due:
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
    local = at.astimezone(zone_rules(zone))
    if (at.hour, at.minute) == (clock.hour, clock.minute):
        return at.date()
    if (local.hour, local.minute) == (clock.hour, clock.minute):
        return local.date()
    raise CallerError(
        f"dueDate {at.isoformat()} is {local:%H:%M} in {zone}, but dueTime is {clock:%H:%M}.",
        code="due_conflict",
        next_step="Send dueDate as YYYY-MM-DD with dueTime and timezone.",
    )
