"""The readings of a phrase as a time of day; pure.

An hour from 1 to 7 without "am", "in the afternoon" or a leading zero is ambiguous: morning or afternoon. An hour from
8 to 12 is in the working day.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Final

from taskhand.domain.date_words.language import Language
from taskhand.domain.date_words.patterns import Word

__all__ = ["ClockTime", "clocks_of"]

_NOON, _HOURS, _MINUTES = 12, 24, 60
_SURE_FROM: Final = 8
_PARTS: Final = {
    "am": {hour: hour % 12 for hour in range(1, 13)},
    "pm": {hour: hour % 12 + 12 for hour in range(1, 13)},
    "small hours": {hour: hour for hour in range(1, 7)},
    "morning": {hour: hour for hour in range(1, 12)},
    "noon": {12: 12, 1: 13},
    "afternoon": {12: 12} | {hour: hour + 12 for hour in range(1, 9)} | {hour: hour for hour in range(13, 21)},
    "evening": {hour: hour + 12 for hour in range(4, 12)} | {hour: hour for hour in range(16, 24)},
    "night": {hour: hour + 12 for hour in range(6, 12)} | {hour: hour for hour in range(18, 24)},
}
"""The hour of the day for an hour in a part of the day; a missing hour does not exist in that part."""
_BETWEEN: Final = {
    "am": (0, 12),
    "pm": (12, 24),
    "small hours": (0, 7),
    "morning": (0, 12),
    "noon": (12, 15),
    "afternoon": (12, 20),
    "evening": (16, 24),
    "night": (18, 24),
}
"""The hours in which a part of the day begins and ends; the morning begins at midnight, so a window misses nothing."""


@dataclass(frozen=True, slots=True)
class ClockTime:
    """One reading of a phrase: the time `at` on the day, or `days_later`.

    `at` is None if the phrase names the whole day, or only a part of it, which lies between `hours`.
    `is_today` is whether it means today if no day is named, as "end of day" does.
    """

    at: time | None
    days_later: int = 0
    hours: tuple[int, int] | None = None
    is_today: bool = False


@dataclass(frozen=True, slots=True)
class _Hour:
    """An hour as it was written, and minutes after it, negative for before it."""

    text: str
    minutes: int

    def readings(self) -> set[ClockTime]:
        """The times that it may be on its own."""
        minutes = int(self.text) * _MINUTES + self.minutes
        if self.text.startswith("0") or minutes >= _SURE_FROM * _MINUTES:
            return _clocks(minutes)
        return _clocks(minutes, minutes + _NOON * _MINUTES)

    def in_part(self, part: str) -> set[ClockTime]:
        """The times that it may be in that part of the day."""
        hour = int(self.text)
        if part == "night" and hour == _NOON and not self.minutes:
            return _midnight()
        return _clocks(_PARTS[part][hour] * _MINUTES + self.minutes) if hour in _PARTS[part] else set()


def clocks_of(words: Sequence[Word], language: Language) -> set[ClockTime]:
    """Every reading of the words as a time of day; empty if they are not a time."""
    base, is_after_at = _without_at(words, language)
    clocks = set[ClockTime]()
    for time_base, is_bare in _bases(base, language):
        if is_after_at or not is_bare:
            clocks |= time_base.readings() if isinstance(time_base, _Hour) else time_base
    for hour, part in _hours_in_parts(words, language):
        clocks |= hour.in_part(part)
    for clock, part in _clocks_in_parts(words, language):
        if clock.at is not None and clock.at.hour in _PARTS[part].values():
            clocks.add(clock)
    return clocks | {ClockTime(None, hours=_BETWEEN[part]) for part in _parts(words, language)}


def _hours_in_parts(words: Sequence[Word], language: Language) -> Iterator[tuple[_Hour, str]]:
    """The hours that stand before or after a part of the day, as in 3 in the afternoon."""
    for at in range(1, len(words)):
        before, after = _without_at(words[:at], language), _without_at(words[at:], language)
        parts_after, parts_before = _parts(words[at:], language), _parts(words[:at], language)
        for part in parts_after:
            yield from (
                (base_hour, part) for base_hour, _ in _bases(before[0], language) if isinstance(base_hour, _Hour)
            )
        for part in parts_before if after[1] else ():
            yield from (
                (base_hour, part) for base_hour, _ in _bases(after[0], language) if isinstance(base_hour, _Hour)
            )


def _clocks_in_parts(words: Sequence[Word], language: Language) -> Iterator[tuple[ClockTime, str]]:
    """The times that stand before or after a part of the day which they may lie in, as in morning 9am."""
    for at in range(1, len(words)):
        for part, rest in ((words[at:], words[:at]), (words[:at], words[at:])):
            yield from ((clock, name) for name in _parts(part, language) for clock in clocks_of(rest, language))


def _without_at(words: Sequence[Word], language: Language) -> tuple[Sequence[Word], bool]:
    """The words without a preposition such as "at", and whether they had one."""
    for phrase in language.at:
        at = phrase.split()
        if len(words) > len(at) and all(at_word in word for at_word, word in zip(at, words, strict=False)):
            return words[len(at) :], True
    return words, False


def _bases(words: Sequence[Word], language: Language) -> Iterator[tuple[_Hour | set[ClockTime], bool]]:
    """The hours or times of the words without a part of the day, and whether each needs a preposition to be an hour."""
    for (name, *given), values, _ in language.clocks.find(words):
        match name:
            case "hour":
                hour, minutes = values[0]
                if int(hour) < _HOURS and int(minutes) < _MINUTES:
                    yield _Hour(hour, int(minutes)), len(words) == 1 and "C" not in words[0]
            case "hour_minutes" | "hour_and":
                minutes = given[0] if given else values[1]
                if minutes < _MINUTES:
                    yield _Hour(values[0][0], minutes), False
            case "time":
                yield {ClockTime(time(*given))}, False
            case "midnight":
                yield _midnight(), False
            case "no_time":
                yield {ClockTime(None, is_today=True)}, False
            case "whole_day":
                yield {ClockTime(None)}, False


def _parts(words: Sequence[Word], language: Language) -> list[str]:
    """The part of the day that the words are."""
    parts = language.part_phrases.find(words)
    return [str(value) for (_, *given), values, _ in parts for value in (*given, *values)]


def _midnight() -> set[ClockTime]:
    """The beginning of the day, or its end."""
    return {ClockTime(time()), ClockTime(time(), 1)}


def _clocks(*minutes: int) -> set[ClockTime]:
    return {ClockTime(time(*divmod(minute, _MINUTES))) for minute in minutes if 0 <= minute < _HOURS * _MINUTES}
