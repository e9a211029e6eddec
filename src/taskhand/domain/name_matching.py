"""Match typed names against existing ones as they are shown, ignoring case, accents, hyphens and space; never guess.

Characters that are hidden in a shown name are ignored in a typed one, and a name may be typed as it is shown truncated.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import TypeVar

from taskhand.domain.display_text import one_line, strip_hidden
from taskhand.domain.truncation import split_cut

__all__ = [
    "Match",
    "alphanumeric_words",
    "digits_of",
    "fold",
    "group_by",
    "has_words",
    "is_truncation_of",
    "matching",
    "nearest_first",
    "normalize_argument",
    "resembles",
    "shown_form",
    "words_of",
]

_T = TypeVar("_T")

_MAX_LENGTH = 80
"""Characters of a name that are compared for similarity: the cost grows with the square of the length."""
_CUT_AT = frozenset({60, 100, 200})
"""Characters that answers and prompts show of a longer name."""
_FIRST_MARK = "\u0300"
"""The first combining character."""
_APOSTROPHES = str.maketrans(dict.fromkeys("`\u02b9\u02bb\u02bc\u2018\u2019\u201b\u2032", "'"))
"""Signs that are written for an apostrophe."""
_HYPHEN = re.compile(r"(?<=[^\W_])[-\u2010-\u2015\u2212](?=[^\W_])")
"""A hyphen or dash within a word."""
_ROUND_A_WORD = ".,;:@"
_ALPHANUMERIC = re.compile(r"[^\W_]+")
_SIMILAR = 0.8
"""The similarity of two words from which one may be a typo of the other."""


@dataclass(frozen=True, slots=True)
class Match:
    """A name that was resolved: what was `given` for `argument`, and the item that it resolved to."""

    argument: str
    given: str
    id: str
    name: str


def fold(text: str) -> str:
    """The text as it is compared: without hidden characters, accents, case, repeated spaces and surrounding space.

    A hyphen within a word is a space, and every apostrophe the straight one.
    """
    return _fold_name(text) if len(text) <= _MAX_LENGTH else _fold(text)


def normalize_argument(name: str) -> str:
    """The name of an argument, normalized: without the differences between its spellings."""
    return fold(name.replace("-", "_")).replace("_", "")


def shown_form(name: str) -> str:
    """The name as it is shown, in one line and in composed letters."""
    return unicodedata.normalize("NFC", one_line(name))


def is_truncation_of(text: str, name: str) -> bool:
    """Whether `text` is the truncated form of a name."""
    cut = split_cut(text)
    if cut is None or cut[2].strip() or len(name) - cut[1] not in _CUT_AT:
        return False
    # Something must follow, or a space at the end would not count.
    return fold(f"{name[: -cut[1]]}|") == fold(f"{cut[0]}|")


def matching(text: str, things: Iterable[_T], name: Callable[[_T], str]) -> list[_T]:
    """All items with that name, else those whose truncated name it is."""
    wanted, things = fold(text), list(things)
    matches = [thing for thing in things if fold(name(thing)) == wanted]
    return matches or [thing for thing in things if is_truncation_of(text, name(thing))]


def has_words(text: str, query: str) -> bool:
    """Whether a text has every word of a query, as a part of any of its own."""
    folded = fold(text)
    return all(word in folded for word in fold(query).split())


def words_of(text: str) -> frozenset[str]:
    """The folded words of a text, without the signs around them."""
    return frozenset(filter(None, (word.strip(_ROUND_A_WORD) for word in fold(text).split())))


def alphanumeric_words(text: str) -> list[str]:
    """The runs of letters and digits in a text, folded."""
    return _ALPHANUMERIC.findall(fold(text))


def digits_of(text: str) -> str:
    """The digits of a text, by which phone numbers are compared."""
    return "".join(filter(str.isdigit, text))


def resembles(text: str, name: str) -> bool:
    """Whether every word that was given is a part of a word of the name, or may be a slip for one."""
    wanted, words = words_of(text[:_MAX_LENGTH]), words_of(name[:_MAX_LENGTH])
    return bool(wanted) and all(any(_is_near(wanted_word, word) for word in words) for wanted_word in wanted)


def group_by(things: Iterable[_T], key: Callable[[_T], str]) -> Mapping[str, Sequence[_T]]:
    """The things by a key, those with equal keys in their order."""
    groups: dict[str, list[_T]] = {}
    for thing in things:
        groups.setdefault(key(thing), []).append(thing)
    return groups


def nearest_first(text: str, things: Iterable[_T], name: Callable[[_T], str]) -> Sequence[_T]:
    """The things in the order of how similar their names are to `text`, the most similar first."""
    wanted = fold(text[:_MAX_LENGTH])

    def distance(thing: _T) -> float:
        folded = fold(name(thing)[:_MAX_LENGTH])
        contained = bool(wanted) and (wanted in folded or folded in wanted)
        return -SequenceMatcher(None, wanted, folded).ratio() - contained

    return sorted(things, key=distance)


def _is_near(text: str, word: str) -> bool:
    """Whether `text` is a part of the word, or nearly the word."""
    if len(text) > 1 and text in word:
        return True
    return text == word or SequenceMatcher(None, text, word).ratio() >= _SIMILAR


def _fold(text: str) -> str:
    """The folded text. It is decomposed twice, because case folding can add combining marks."""
    if text.isascii() and text.isprintable():
        plain = text.casefold().replace("`", "'")
    else:
        typed = strip_hidden(text).replace("\u00b4", "'")  # an accent by itself would become a space
        plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", typed).casefold())
        plain = "".join([c for c in plain if c < _FIRST_MARK or not unicodedata.combining(c)]).translate(_APOSTROPHES)
    return " ".join((_HYPHEN.sub(" ", plain) if _HYPHEN.search(plain) else plain).split())


_fold_name = lru_cache(maxsize=4_096)(_fold)
"""Names are folded again and again: those of a whole team for each list of tasks."""
