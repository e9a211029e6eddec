"""Matching what people type against what exists: ignoring case, accents and surrounding space, never guessing."""

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TypeVar

__all__ = ["Match", "fold", "matching", "nearest_first"]

_T = TypeVar("_T")

_LONGEST = 80
"""Characters that are compared: likeness takes time that grows with the square of the length."""


@dataclass(frozen=True, slots=True)
class Match:
    """What was given for `argument`, and the one thing it was taken to mean."""

    argument: str
    given: str
    id: str
    name: str


def fold(text: str) -> str:
    """The text as it is compared: no accents, no case, single spaces, none around.

    Decomposed twice: a character's case folding can bring marks of its own.
    """
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())


def matching(given: str, things: Iterable[_T], name: Callable[[_T], str]) -> list[_T]:
    """All things of that name."""
    wanted = fold(given)
    return [thing for thing in things if fold(name(thing)) == wanted]


def nearest_first(given: str, things: Iterable[_T], name: Callable[[_T], str]) -> Sequence[_T]:
    """The things by how much their names resemble what was given, the nearest first."""
    wanted = fold(given[:_LONGEST])

    def distance(thing: _T) -> float:
        folded = fold(name(thing)[:_LONGEST])
        contained = bool(wanted) and (wanted in folded or folded in wanted)
        return -SequenceMatcher(None, wanted, folded).ratio() - contained

    return sorted(things, key=distance)
