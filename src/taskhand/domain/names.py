"""Match typed names against existing ones, ignoring case, accents and surrounding space; never guess."""

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TypeVar

__all__ = ["Match", "fold", "group_by", "matching", "nearest_first"]

_T = TypeVar("_T")

_LONGEST = 80
"""Characters that are compared for similarity, whose cost grows with the square of the length."""


@dataclass(frozen=True, slots=True)
class Match:
    """A name that was resolved: what was `given` for `argument`, and the one thing that it means."""

    argument: str
    given: str
    id: str
    name: str


def fold(text: str) -> str:
    """The text as it is compared: without accents, case, repeated spaces and surrounding space.

    It is decomposed twice, because case folding can add combining marks.
    """
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())


def matching(given: str, things: Iterable[_T], name: Callable[[_T], str]) -> list[_T]:
    """All things with that name."""
    wanted = fold(given)
    return [thing for thing in things if fold(name(thing)) == wanted]


def group_by(things: Iterable[_T], key: Callable[[_T], str]) -> Mapping[str, Sequence[_T]]:
    """The things by a key, those with equal keys in their order."""
    groups: dict[str, list[_T]] = {}
    for thing in things:
        groups.setdefault(key(thing), []).append(thing)
    return groups


def nearest_first(given: str, things: Iterable[_T], name: Callable[[_T], str]) -> Sequence[_T]:
    """The things in the order of how similar their names are to `given`, the most similar first."""
    wanted = fold(given[:_LONGEST])

    def distance(thing: _T) -> float:
        folded = fold(name(thing)[:_LONGEST])
        contained = bool(wanted) and (wanted in folded or folded in wanted)
        return -SequenceMatcher(None, wanted, folded).ratio() - contained

    return sorted(things, key=distance)
