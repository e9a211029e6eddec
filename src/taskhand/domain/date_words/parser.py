"""Read a date in words: every reading of a phrase in English and Spanish, or the reason without one; pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import combinations
from typing import Final, Literal

from taskhand.domain.date_words.context import Context
from taskhand.domain.date_words.date_arithmetic import Direction, Span
from taskhand.domain.date_words.day_phrases import Days, NoSuchDay, days_of
from taskhand.domain.date_words.english import english
from taskhand.domain.date_words.language import Language
from taskhand.domain.date_words.phrase_words import tokens_of
from taskhand.domain.date_words.spanish import spanish
from taskhand.domain.date_words.times_of_day import ClockTime, clocks_of
from taskhand.domain.date_words.weekdays import WrongWeekday
from taskhand.domain.date_words.word_roles import roles_of_words

__all__ = ["Reading", "Readings", "Use", "read_clock", "read_date"]

Use = Literal["due", "from", "to"]
"""The use of the date: a due date, the first day of a window or the last one."""

_MAX_WORDS: Final = 16
_SHOWN: Final = re.compile(
    r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d))(?:[ ,]+\(?(\w+)\)?)?", re.ASCII | re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading: the days, and the time on the first of them, or the moment `at`.

    `is_whole_day` is whether the phrase excludes a time, `hours` are those of a part of the day.
    """

    span: Span
    clock: time | None = None
    at: datetime | None = None
    is_whole_day: bool = False
    hours: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Readings:
    """Every reading of a phrase, in order; without a reading, the fault of the phrase.

    `other_day` is the day that the phrase names together with another weekday, `is_no_day` whether no calendar has its
    day, `is_time` whether it is a time without a day.
    """

    found: tuple[Reading, ...] = ()
    other_day: date | None = None
    is_no_day: bool = False
    is_time: bool = False


def read_date(text: str, now: datetime, use: Use, direction: Direction = "future") -> Readings:
    """The readings of a date, relative to `now` on the person's clock."""
    if (shown := _SHOWN.fullmatch(text.strip())) is not None:
        return _read_rendered(shown[1], shown[2])
    tokens, context = _split(text), Context(now, direction)
    readings, faults, is_time = set[Reading](), list[NoSuchDay | WrongWeekday](), False
    for language in (english(), spanish()) if tokens else ():
        words = _rewrite(tokens, language)
        clocks = clocks_of(roles_of_words(words, language), language)
        readings.update(_combine(Days(Span.day(now.date())), clock) for clock in clocks if clock.is_today)
        is_time = is_time or any(clock.hours is None for clock in clocks)
        for day, rest in _divisions(words, language, use):
            try:
                readings.update(_all_readings(day, rest, language, context))
            except (NoSuchDay, WrongWeekday) as fault:
                faults.append(fault)
    if readings:
        return Readings(
            tuple(
                sorted(
                    readings,
                    key=lambda reading: (reading.span, str(reading.clock), str(reading.at), str(reading.hours)),
                )
            )
        )
    others = [fault.day for fault in faults if isinstance(fault, WrongWeekday)]
    return Readings((), others[0] if others else None, is_no_day=bool(faults) and not others, is_time=is_time)


def read_clock(text: str) -> tuple[ClockTime, ...]:
    """The readings of a time of day in words, in order; none if it is no time."""
    if not (tokens := _split(text)):
        return ()
    clocks = {
        clock for language in (english(), spanish()) for clock in clocks_of(roles_of_words(tokens, language), language)
    }
    return tuple(sorted(clocks, key=lambda clock: (str(clock.at), clock.days_later)))


def _split(text: str) -> list[str]:
    """The words of a phrase; none if they are too many for a date."""
    tokens = tokens_of(text) or []
    return tokens if len(tokens) <= _MAX_WORDS else []


def _read_rendered(moment: str, weekday: str | None) -> Readings:
    """The readings of a moment as answers show it, with its weekday or without."""
    try:
        at = datetime.fromisoformat(moment.upper())
    except ValueError:
        return Readings(is_no_day=True)
    readings = Readings((Reading(Span.day(at.date()), at=at),))
    if weekday is None:
        return readings
    names = [language.weekdays.get(token) for token in tokens_of(weekday) or [] for language in (english(), spanish())]
    if not any(name is not None for name in names):
        return Readings()
    return readings if at.weekday() in names else Readings(other_day=at.date())


def _rewrite(tokens: Sequence[str], language: Language) -> list[str]:
    """The words with those phrases replaced that stand for others."""
    text = f" {' '.join(tokens)} "
    for phrase, other in language.rewritten.items():
        text = text.replace(f" {phrase} ", f" {other} ")
    return text.split()


def _divisions(tokens: list[str], language: Language, use: Use) -> Iterator[tuple[list[str], list[str]]]:
    """The words of the day and the words of the time, in either order; none for the time too."""
    prefixes = [prefix.split() for prefix in language.prefixes[use]]
    for at in range(1, len(tokens) + 1):
        yield from ((day, tokens[at:]) for day in _without_prefix(tokens[:at], prefixes))
    for at, end in combinations(range(1, len(tokens)), 2):
        if any(language.part_phrases.find(roles_of_words(tokens[end:], language))):  # 3 tomorrow afternoon
            yield tokens[at:end], [*tokens[:at], *tokens[end:]]
    linked = [*prefixes, *(prefix.split() for prefix in language.linked)]
    for at in range(1, len(tokens)):
        yield from ((day, tokens[:at]) for day in _without_prefix(tokens[at:], linked))


def _without_prefix(tokens: list[str], prefixes: Sequence[list[str]]) -> Iterator[list[str]]:
    """The words as they are, and without each prefix that they have."""
    yield tokens
    for prefix in prefixes:
        if len(tokens) > len(prefix) and tokens[: len(prefix)] == prefix:
            yield tokens[len(prefix) :]


def _all_readings(day: list[str], rest: list[str], language: Language, context: Context) -> Iterator[Reading]:
    """Each reading of the day with each of the time; NoSuchDay and WrongWeekday."""
    times = clocks_of(roles_of_words(rest, language), language) if rest else None
    if times is None or times:
        for days in days_of(roles_of_words(day, language), language, context):
            if times is None:
                yield Reading(days.span, None, days.at)
            elif days.at is None and days.span.is_day:
                yield from (_combine(days, clock) for clock in times)


def _combine(days: Days, clock: ClockTime) -> Reading:
    day = days.span.first + timedelta(clock.days_later)
    plain = Reading(Span.day(day), clock.at)
    return replace(plain, is_whole_day=clock.at is None and clock.hours is None, hours=clock.hours)
