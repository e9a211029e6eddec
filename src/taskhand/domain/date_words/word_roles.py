"""The roles that a word of a phrase may have in a language: a weekday, a day of the month, an hour, a year; pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from taskhand.domain.date_words.language import Language
from taskhand.domain.date_words.patterns import Word

__all__ = ["roles_of_words"]

_NUMBER: Final = re.compile(r"\d{1,3}", re.ASCII)
_YEAR: Final = re.compile(r"(?:19|20|21)\d\d", re.ASCII)
_ISO: Final = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})", re.ASCII)
_NUMERIC: Final = re.compile(r"(\d{1,2})(?:[/-](\d{1,2})|([/.-])(\d{1,2})\3(\d{4}|\d\d))", re.ASCII)
_CLOCK: Final = re.compile(r"(\d{1,2})[:.h](\d\d)(?::00)?", re.ASCII)
_LAST_DAY: Final = 31
_LAST_HOUR: Final = 23
_TEN: Final = 10


def roles_of_words(tokens: Sequence[str], language: Language) -> list[Word]:
    """The possible roles of each word in this language; a compound number is one word."""
    with_roles: list[Word] = []
    at = 0
    while at < len(tokens):
        compound = _find_compound_number(tokens, at, language)
        with_roles.append(compound or _roles_of_word(tokens[at], language))
        at += 1 + bool(compound) + bool(compound and language.joins_tens)
    return with_roles


def _find_compound_number(tokens: Sequence[str], at: int, language: Language) -> Word | None:
    """The number that begins there in several words, such as twenty-five or twenty-first; None for any other."""
    joined = [language.joins_tens] if language.joins_tens else []
    tens, rest = language.tens.get(tokens[at]), list(tokens[at + 1 : at + 2 + len(joined)])
    if tens is None or len(rest) <= len(joined) or rest[: len(joined)] != joined:
        return None
    for slot, table in (("N", language.numbers), ("O", language.ordinals)):
        if 0 < table.get(rest[-1], 0) < _TEN:
            number = tens + table[rest[-1]]
            return {slot: number} | ({"D": number} if number <= _LAST_DAY else {})
    return None


def _roles_of_word(token: str, language: Language) -> Word:
    word: dict[str, Any] = {token: token}
    tables: tuple[tuple[str, Mapping[str, Any]], ...] = (
        ("W", language.weekdays),
        ("M", language.months),
        ("N", language.numbers),
        ("O", language.ordinals),
        ("U", language.units),
        ("T", language.minutes),
        ("P", language.parts),
    )
    word |= {slot: table[token] for slot, table in tables if token in table}
    if word.get("U") in ("week", "month", "quarter", "year"):
        word["K"] = word["U"]
    if _NUMBER.fullmatch(token):
        word["N"] = int(token)
    elif _YEAR.fullmatch(token):
        word["Y"] = int(token)
    elif ordinal := language.ordinal_endings.fullmatch(token):
        word["O"] = word["J"] = int(ordinal[1])
    elif iso := _ISO.fullmatch(token):
        word["X"] = tuple(map(int, iso.groups()))
    elif numeric := _NUMERIC.fullmatch(token):
        word["F"] = (int(numeric[1]), int(numeric[2] or numeric[4]), numeric[5])
    if clock := _CLOCK.fullmatch(token):
        word["C"] = clock.groups()
    return word | _roles_of_number(word, token, language)


def _roles_of_number(word: Word, token: str, language: Language) -> dict[str, Any]:
    """A number as the day of a month, and as an hour with what it was written as."""
    day = 0 if token in language.no_days else word.get("J", language.day_ordinals.get(token, word.get("N", 0)))
    if (token.isdigit() and len(token) > len("31")) or token in language.only_counts:
        return {}
    roles: dict[str, Any] = {"D": day} if 0 < day <= _LAST_DAY else {}
    if "N" in word and word["N"] <= _LAST_HOUR:
        roles["H"] = (token if token.isdigit() else str(word["N"]), "00")
    return roles
