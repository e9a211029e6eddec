"""A language of dates as data: its words, and the phrases that it has for days and for times of day; pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from taskhand.domain.date_words.date_arithmetic import Unit
from taskhand.domain.date_words.patterns import Table, Word

__all__ = ["Language", "numbered"]

_NUMBER: Final = re.compile(r"\d{1,3}", re.ASCII)
_YEAR: Final = re.compile(r"(?:19|20|21)\d\d", re.ASCII)
_ISO: Final = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})", re.ASCII)
_NUMERIC: Final = re.compile(r"(\d{1,2})(?:[/-](\d{1,2})|([/.-])(\d{1,2})\3(\d{4}|\d\d))", re.ASCII)
_CLOCK: Final = re.compile(r"(\d{1,2})[:.h](\d\d)(?::00)?", re.ASCII)
_LAST_DAY: Final = 31
_LAST_HOUR: Final = 23
_TEN: Final = 10


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

    def words(self, tokens: Sequence[str]) -> list[Word]:
        """The possible roles of each word in this language; a compound number is one word."""
        with_roles: list[Word] = []
        at = 0
        while at < len(tokens):
            compound = self._find_compound_number(tokens, at)
            with_roles.append(compound or self._roles_of_word(tokens[at]))
            at += 1 + bool(compound) + bool(compound and self.joins_tens)
        return with_roles

    def _find_compound_number(self, tokens: Sequence[str], at: int) -> Word | None:
        """The number that begins there in several words, such as twenty-five or twenty-first; None for any other."""
        joined = [self.joins_tens] if self.joins_tens else []
        tens, rest = self.tens.get(tokens[at]), list(tokens[at + 1 : at + 2 + len(joined)])
        if tens is None or len(rest) <= len(joined) or rest[: len(joined)] != joined:
            return None
        for slot, table in (("N", self.numbers), ("O", self.ordinals)):
            if 0 < table.get(rest[-1], 0) < _TEN:
                number = tens + table[rest[-1]]
                return {slot: number} | ({"D": number} if number <= _LAST_DAY else {})
        return None

    def _roles_of_word(self, token: str) -> Word:
        word: dict[str, Any] = {token: token}
        tables: tuple[tuple[str, Mapping[str, Any]], ...] = (
            ("W", self.weekdays),
            ("M", self.months),
            ("N", self.numbers),
            ("O", self.ordinals),
            ("U", self.units),
            ("T", self.minutes),
            ("P", self.parts),
        )
        word |= {slot: table[token] for slot, table in tables if token in table}
        if word.get("U") in ("week", "month", "quarter", "year"):
            word["K"] = word["U"]
        if _NUMBER.fullmatch(token):
            word["N"] = int(token)
        elif _YEAR.fullmatch(token):
            word["Y"] = int(token)
        elif ordinal := self.ordinal_endings.fullmatch(token):
            word["O"] = word["J"] = int(ordinal[1])
        elif iso := _ISO.fullmatch(token):
            word["X"] = tuple(map(int, iso.groups()))
        elif numeric := _NUMERIC.fullmatch(token):
            word["F"] = (int(numeric[1]), int(numeric[2] or numeric[4]), numeric[5])
        if clock := _CLOCK.fullmatch(token):
            word["C"] = clock.groups()
        return word | self._roles_of_number(word, token)

    def _roles_of_number(self, word: Word, token: str) -> dict[str, Any]:
        """A number as the day of a month, and as an hour with what it was written as."""
        day = 0 if token in self.no_days else word.get("J", self.day_ordinals.get(token, word.get("N", 0)))
        if (token.isdigit() and len(token) > len("31")) or token in self.only_counts:
            return {}
        roles: dict[str, Any] = {"D": day} if 0 < day <= _LAST_DAY else {}
        if "N" in word and word["N"] <= _LAST_HOUR:
            roles["H"] = (token if token.isdigit() else str(word["N"]), "00")
        return roles


def numbered(names: str, first: int = 1) -> dict[str, int]:
    """The names with their numbers; several names of one number stand with a slash between them."""
    return {name: number for number, some in enumerate(names.split(), first) for name in some.split("/")}
