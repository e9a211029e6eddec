"""Arguments that are dates in words: the day or time of each, or an error with the text to send instead; pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Final, Literal
from zoneinfo import ZoneInfo

from taskhand.domain.date_words.date_arithmetic import FRIDAY, Direction, Span
from taskhand.domain.date_words.parser import Reading, Readings, Use, read_clock, read_date
from taskhand.domain.date_words.refused_dates import step_for_no_date, step_for_repetition, step_for_shift
from taskhand.domain.due import Due, at_wall, due_text
from taskhand.domain.errors import Ambiguous, CallerError, Candidate
from taskhand.domain.name_matching import Match, fold
from taskhand.domain.reference_time import Reference
from taskhand.domain.time_zones import zone_of_city

__all__ = ["WordedDue", "depends_on_zone", "read_due", "read_due_time", "read_edge", "read_edge_of_time", "read_window"]

Edge = Literal["from", "to"]
"""The edge of a window: the first day of a period, or the last one."""

_MAX_CANDIDATES: Final = 6
_DAY: Final = 24
"""Hours."""
_DAYS_ONLY: Final = frozenset({"fromDate", "toDate"})
"""Arguments that take no time."""
_ZONE: Final = re.compile(
    r"(.*\d.*?)[ ,(]+((?:(?:UTC|GMT|Z)(?:[+-][\d:]+)?|[A-Z]{1,4}T|[a-z]+/[a-z_/]+|[a-z]+ time"
    r"|(?:hora|horario) .+?))\)?",
    re.ASCII | re.IGNORECASE,
)
"""A time, and a zone behind it."""
_AROUND_A_CITY: Final = re.compile(r"^(?:hora|horario)(?: de)? | time$", re.IGNORECASE)
"""The words beside the place in a zone."""
_ISO_CLOCK: Final = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})[\d:.]*", re.ASCII)
_UNIX: Final = re.compile(r"(\d{10})(?:\d{3})?", re.ASCII)
_MOMENTS: Final = frozenset({"since", "until"})
_WEST, _EAST = timezone(timedelta(hours=-12)), timezone(timedelta(hours=14))
"""The zones in which a day begins last and first."""
_OPEN: Final = re.compile(r"(from|since|starting|as of|desde|a partir del?)\b")
"""The first words of a window without an end."""
_DAY_EXAMPLES: Final = 'such as "tomorrow", "el viernes" or "in 2 weeks"'
_PAST_EXAMPLES: Final = 'such as "yesterday", "el lunes" or "2 hours ago"'
_PAST_TIMES: Final = 'such as "today at 5pm" or "ayer a las 15:00"'
_ONLY_TIME: Final = "; to change only the time, send dueTime"
_TIMES: Final = '"tomorrow at 3pm" or "el lunes a las 15:00"'
_TIME_EXAMPLES: Final = f"such as {_TIMES}"


@dataclass(frozen=True, slots=True)
class WordedDue:
    """A due date that was sent in words: the day, and the time on it, or the moment `at`.

    `is_whole_day` is whether the words exclude a time, as "all day" does.
    """

    day: date
    clock: time | None
    at: datetime | None
    is_whole_day: bool
    matched: tuple[Match, ...]


def read_due(text: str, reference: Reference, zone: str | None) -> WordedDue:
    """The due date of the words in `zone`, else in the person's zone; CallerError unless exactly one is possible.

    A time without a zone is in the zone that the due date will have.
    """
    argument, zone = "dueDate", zone or reference.zone
    readings = _usable_readings(
        argument, text, read_date(text, reference.local(zone), "due"), "invalid_due_date", reference.calendar
    )
    days = list(
        dict.fromkeys(day for reading in readings for day in _days_in(reading.span, reference.local(zone).date()))
    )
    if len(readings) > 1 or not readings[0].span.is_day:
        shown = (
            [_candidate(reading) for reading in readings]
            if all(reading.span.is_day for reading in readings)
            else map(_shown_day, days)
        )
        raise _several(argument, text, list(shown))
    reading = readings[0]
    at = reading.at
    if reading.clock is not None and zone is not None:
        at = at_wall(reading.span.first, reading.clock, zone).astimezone(ZoneInfo(zone))
    value = at or (datetime.combine(reading.span.first, reading.clock) if reading.clock else reading.span.first)
    return WordedDue(reading.span.first, reading.clock, at, reading.is_whole_day, _matches_of(argument, text, value))


def read_due_time(text: str) -> tuple[time, tuple[Match, ...]]:
    """The time of day of the words; CallerError unless exactly one is possible."""
    clocks = read_clock(text)
    times = [clock.at for clock in clocks if clock.at is not None and not clock.days_later]
    if len(clocks) == len(times) == 1:
        return times[0], (Match("dueTime", text, f"{times[0]:%H:%M}", f"{times[0]:%H:%M}"),)
    if times:
        ends = [time(23, 59)] if any(clock.days_later for clock in clocks) else []
        raise _several("dueTime", text, [Candidate(f"{clock_time:%H:%M}") for clock_time in (*times, *ends)])
    raise CallerError(
        f"dueTime {text[:40]!r} is not a time.",
        code="invalid_due_time",
        next_step=_step_for_zone("dueTime", text)
        or 'Send dueTime as 24-hour HH:MM. For a whole day leave it out, or take the time away with clear ["dueTime"].',
    )


def depends_on_zone(argument: str, text: str, now: datetime) -> bool:
    """Whether the words mean other days or moments in other zones, as "tomorrow" does and "Dec 15" does not."""
    use: Use = "due" if argument == "dueDate" else "from"
    west, east = (read_date(text, now.astimezone(zone), use, "either").found for zone in (_WEST, _EAST))
    if argument in _MOMENTS:  # a day begins at another moment in each zone
        return any(reading.at is None for reading in east)
    return [reading.span for reading in west if reading.at is None] != [
        reading.span for reading in east if reading.at is None
    ]


def read_edge(
    argument: str, text: str, edge: Edge, reference: Reference, direction: Direction
) -> tuple[date, tuple[Match, ...]]:
    """The first day (`from`) or the last day (`to`) of the words; CallerError unless exactly one is possible."""
    span = _one_span(argument, text, edge, reference, direction)
    day = span.first if edge == "from" else span.last
    return day, _matches_of(argument, text, day)


def read_window(text: str, reference: Reference, direction: Direction) -> tuple[date, date | None, tuple[Match, ...]]:
    """The first day of fromDate, and the last day if it is a period; CallerError as of `read_edge`.

    A window has no end after a single day, and after words such as *since last week*.
    """
    span = _one_span("fromDate", text, "from", reference, direction)
    matched = _matches_of("fromDate", text, span.first)
    if span.is_day or _OPEN.match(fold(text)):
        return span.first, None, matched
    return span.first, span.last, (*matched, Match("toDate", text, span.last.isoformat(), f"{span.last:%A}"))


def read_edge_of_time(argument: str, text: str, edge: Edge, reference: Reference) -> tuple[datetime, tuple[Match, ...]]:
    """The moment at which the period in words begins (`from`) or ends (`to`); ambiguous days are in the past."""
    reading = _one_reading(argument, text, edge, reference, "past", takes_parts=True)
    day = reading.span.first if edge == "from" else reading.span.last
    first, last = reading.hours or (0, _DAY)
    at = reading.at or datetime.combine(day, reading.clock or time(first), reference.calendar)
    if edge == "to" and reading.clock is None and reading.at is None:
        end = day + timedelta(last // _DAY)
        at = datetime.combine(end, time(last % _DAY), reference.calendar) - timedelta(microseconds=1)
    return at, _matches_of(argument, text, at)


def _one_span(argument: str, text: str, edge: Edge, reference: Reference, direction: Direction) -> Span:
    """The days of the words; CallerError if the words have a time."""
    reading = _one_reading(argument, text, edge, reference, direction)
    if reading.clock is not None:
        raise CallerError(
            f"{argument} {text[:60]!r} has a time, and {argument} is a day.",
            code="invalid_date",
            next_step=f"Send {argument} as YYYY-MM-DD, or as words without a time.",
        )
    return reading.span


def _one_reading(
    argument: str, text: str, edge: Edge, reference: Reference, direction: Direction, *, takes_parts: bool = False
) -> Reading:
    read = read_date(text, reference.local(), edge, direction)
    readings = _usable_readings(argument, text, read, "invalid_date", reference.calendar, takes_parts=takes_parts)
    if len(readings) > 1:
        ends = [reading.span.first if edge == "from" else reading.span.last for reading in readings]
        shown = (
            [_candidate(reading) for reading in readings]
            if any(reading.clock for reading in readings)
            else map(_shown_day, ends)
        )
        raise _several(argument, text, list(shown))
    return readings[0]


def _usable_readings(
    argument: str, text: str, read: Readings, code: str, zone: tzinfo, *, takes_parts: bool = False
) -> Sequence[Reading]:
    """The readings of a date with an exact time or none; CallerError without one.

    `zone` is that of the person's days. `takes_parts` also accepts a part of the day, for arguments that are moments in
    the past.
    """
    if read.found and (takes_parts or not any(reading.hours for reading in read.found)):
        return read.found
    given, is_day = f"{argument} {text[:60]!r}", argument in _DAYS_ONLY
    examples, times = (_PAST_EXAMPLES, _PAST_TIMES) if takes_parts else (_DAY_EXAMPLES, _TIME_EXAMPLES)
    if read.found:
        days = list(dict.fromkeys(_shown_day(reading.span.first) for reading in read.found))
        message, candidates = f"{given} names a part of a day, and no time.", days
        next_step = "Send the day alone." if is_day else f"Send the day alone, or a time with it, {_TIME_EXAMPLES}."
    elif read.other_day is not None:
        message = f"{given}: {read.other_day} is a {read.other_day:%A}."
        candidates, next_step = [_shown_day(read.other_day)], "Ask which day is meant, and send it as YYYY-MM-DD."
    elif read.is_no_day:
        message, candidates, next_step = f"{given} is a day that does not exist.", [], "Send another day."
    elif read.is_time:
        message, candidates = f"{given} is a time without a day.", []
        next_step = (
            f"Send a day, {_DAY_EXAMPLES}."
            if is_day
            else f"Send the day with it, {times}{_ONLY_TIME if argument == 'dueDate' else ''}."
        )
    else:
        message, candidates = f"{given} is not a date that is understood.", []
        time = f"; a time as in 2026-03-01T15:00:00-03:00 or {_TIMES}" if argument == "dueDate" else ""
        next_step = f"Send {argument} as YYYY-MM-DD, or as words {examples}{time}."
        if step := _step_for_no_single_date(argument, text):
            next_step = step
        elif (at := _unix_time(text)) is not None:
            moment = f"{at.astimezone(zone):%Y-%m-%d}" if is_day else at.isoformat()
            candidates, next_step = [Candidate(moment)], f"If a Unix time is meant, send {moment}."
    raise CallerError(message, code=code, candidates=candidates, next_step=next_step)


def _step_for_no_single_date(argument: str, text: str) -> str | None:
    """What to send in place of a repetition, no date, a zone or a distance in days; None for any other text."""
    step = step_for_repetition(argument, text) or step_for_no_date(argument, text)
    return step or (_step_for_zone(argument, text) or step_for_shift(text) if argument == "dueDate" else None)


def _unix_time(text: str) -> datetime | None:
    """The moment of a Unix time in seconds or milliseconds; None for any other text."""
    match = _UNIX.fullmatch(text.strip())
    return None if match is None else datetime.fromtimestamp(int(match[1]), UTC)


def _step_for_zone(argument: str, text: str) -> str | None:
    """What to send in place of a date or time with a zone behind it; None for any other text."""
    match = _ZONE.fullmatch(text.strip())
    if match is None:
        return None
    date_part = _ISO_CLOCK.sub(r"\1 at \2", match[1].strip())[:60]
    day = "a day and " if argument == "dueDate" and read_clock(date_part) else ""
    zone = repr(match[2][:40])
    city = _AROUND_A_CITY.sub("", match[2]) if "/" not in zone else ""
    known = city != match[2] and zone_of_city(city)
    in_city = f"{known or 'an IANA name such as America/Santiago'} in place of {zone}"
    timezone = zone if "/" in zone else in_city
    return f"Send the zone apart: {argument} as {day}{date_part!r}, and timezone as {timezone}."


def _days_in(span: Span, today: date) -> list[date]:
    """The possible due days of a period: the first from today on, the Friday of a week, the last."""
    friday = span.first + timedelta((FRIDAY - span.first.weekday()) % 7)
    is_week = span.last - span.first < timedelta(weeks=1) and span.first <= friday <= span.last
    days = [max(span.first, min(today, span.last)), *([friday] if is_week else []), span.last]
    return sorted({day for day in days if day >= min(today, span.last)})


def _several(argument: str, text: str, candidates: Sequence[Candidate]) -> Ambiguous:
    is_one_day = len({candidate.value.partition(" ")[0] for candidate in candidates}) == 1
    what = "time" if argument == "dueTime" or is_one_day else "day"
    return Ambiguous(
        f"{argument} {text[:60]!r} may mean more than one {what}.",
        code="ambiguous_date",
        candidates=candidates[:_MAX_CANDIDATES],
        next_step=f"Ask which {what} is meant, and send the value of that candidate.",
    )


def _candidate(reading: Reading) -> Candidate:
    """A reading as a candidate, which can be sent in its place."""
    if reading.at is not None or reading.clock is None:
        return _shown_day(reading.span.first)
    return Candidate(f"{_shown_day(reading.span.first).value} {reading.clock:%H:%M}")


def _shown_day(day: date) -> Candidate:
    """A day as answers show it."""
    return Candidate(due_text(Due(day), None))


def _matches_of(argument: str, text: str, value: date | datetime) -> tuple[Match, ...]:
    """The day or time that was understood, with its weekday; empty if it was sent in figures."""
    if text[:4].isdigit():
        return ()
    written = value.isoformat(timespec="minutes") if isinstance(value, datetime) else value.isoformat()
    return (Match(argument, text, written, f"{value:%A}"),)
