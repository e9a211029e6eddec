"""Words: how text is matched in a search, without regard to case, accents and punctuation."""

from __future__ import annotations

import re
import unicodedata


def split_words(text: str) -> list[str]:
    """Split text into its words, folded."""
    letters = unicodedata.normalize("NFD", text.casefold())
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return re.findall(r"\w+", plain)


def has_words(text: str, wanted: str) -> bool:
    """Whether all the words occur, in any order, each whole."""
    words, sought = set(split_words(text)), split_words(wanted)
    return bool(sought) and words.issuperset(sought)


def has_phrase(text: str, wanted: str) -> bool:
    """Whether the words occur one after the other."""
    words, phrase = split_words(text), split_words(wanted)
    starts = range(len(words) - len(phrase) + 1)
    return bool(phrase) and any(words[start : start + len(phrase)] == phrase for start in starts)
