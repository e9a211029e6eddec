"""A language of dates as data: its words, and the phrases that it has for days and for times of day; pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from taskhand.domain.date_words.date_arithmetic import Unit
from taskhand.domain.date_words.patterns import Table

__all__ = ["Language", "number_names"]


@dataclass(frozen=True)
class Language:
    """The words and phrases of a language, folded; `day_first` is whether 05/12 surely is 5 December in it.

    `prefixes` are words before a day, by its use: for a due date, as the first day or as the last one.
    """

    weekdays: Mapping[str, int]
    months: Mapping[str, int]
    numbers: Mapping[str, int]
    tens: Mapping[str, int]
    ordinals: Mapping[str, int]
    day_ordinals: Mapping[str, int]
    """Ordinals that can be the day of a month."""
    ordinal_endings: re.Pattern[str]
    units: Mapping[str, Unit]
    minutes: Mapping[str, int]
    """Units of time in minutes."""
    parts: Mapping[str, str]
    """Parts of a day: morning, afternoon, evening or night."""
    days: Table
    clocks: Table
    part_phrases: Table
    prefixes: Mapping[str, Sequence[str]]
    linked: Sequence[str]
    """Words that may stand between a time and its day."""
    rewritten: Mapping[str, str]
    """Phrases that stand for others, such as tonight for today in the night."""
    article: str
    """The word before a weekday or a date."""
    at: Sequence[str]
    """Words before an hour."""
    day_first: bool
    only_counts: frozenset[str]
    """Numbers that are neither the day of a month nor an hour."""
    no_days: frozenset[str]
    """Numbers that are not the day of a month."""
    joins_tens: str = ""
    """The word between tens and ones."""


def number_names(names: str, first: int = 1) -> dict[str, int]:
    """The names with their numbers; several names of one number stand with a slash between them."""
    return {name: number for number, some in enumerate(names.split(), first) for name in some.split("/")}
