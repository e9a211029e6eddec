"""Match typed names against existing ones as they are shown, ignoring case, accents and surrounding space; never guess.

What is hidden where a name is shown is ignored where it is typed, and a name may be typed as it is shown truncated.
"""

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import TypeVar

from taskhand.domain.text import one_line, split_cut, strip_hidden

__all__ = ["Match", "fold", "group_by", "has_words", "is_cut", "matching", "nearest_first", "shown_form"]

_T = TypeVar("_T")

_LONGEST = 80
"""Characters of a name: only so many are compared for similarity, whose cost grows with the square of the length."""
_CUT_AT = frozenset({60, 100, 200})
"""Characters that answers and prompts show of a longer name."""
_FIRST_MARK = "\u0300"
"""The first combining character."""


@dataclass(frozen=True, slots=True)
class Match:
    """A name that was resolved: what was `given` for `argument`, and the one thing that it means."""

    argument: str
    given: str
    id: str
    name: str


def fold(text: str) -> str:
    """The text as it is compared: without hidden characters, accents, case, repeated spaces and surrounding space."""
    return _fold_name(text) if len(text) <= _LONGEST else _fold(text)


def shown_form(name: str) -> str:
    """The name as it is shown, in one line and in composed letters."""
    return unicodedata.normalize("NFC", one_line(name))


def is_cut(given: str, name: str) -> bool:
    """Whether `given` is what is shown of a name that is too long."""
    cut = split_cut(given)
    if cut is None or cut[2].strip() or len(name) - cut[1] not in _CUT_AT:
        return False
    # Something must follow, or a space at the end would not count.
    return fold(f"{name[: -cut[1]]}|") == fold(f"{cut[0]}|")


def matching(given: str, things: Iterable[_T], name: Callable[[_T], str]) -> list[_T]:
    """All things with that name; where there are none, those whose name is shown so because it is too long."""
    wanted, things = fold(given), list(things)
    found = [thing for thing in things if fold(name(thing)) == wanted]
    return found or [thing for thing in things if is_cut(given, name(thing))]


def has_words(text: str, query: str) -> bool:
    """Whether a text has every word of a query, as a part of any of its own."""
    folded = fold(text)
    return all(word in folded for word in fold(query).split())


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


def _fold(text: str) -> str:
    """The folded text. It is decomposed twice, because case folding can add combining marks."""
    if text.isascii() and text.isprintable():
        return " ".join(text.casefold().split())
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", strip_hidden(text)).casefold())
    return " ".join("".join([c for c in plain if c < _FIRST_MARK or not unicodedata.combining(c)]).split())


_fold_name = lru_cache(maxsize=4_096)(_fold)
"""Names are folded again and again: those of a whole team for each list of tasks."""
