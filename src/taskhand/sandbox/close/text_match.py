"""Matches text in searches, without regard to case, accents and punctuation."""

from __future__ import annotations

import re

from taskhand.sandbox.text_folding import fold


def split_words(text: str) -> list[str]:
    """Return the words of a text, folded."""
    return re.findall(r"\w+", fold(text))


def has_words(text: str, query: str) -> bool:
    """Whether the text has all the wanted words, in any order."""
    words, sought = set(split_words(text)), split_words(query)
    return bool(sought) and words.issuperset(sought)


def has_beginnings(text: str, query: str) -> bool:
    """Whether each of the wanted words is the beginning of a word of the text."""
    words, sought = split_words(text), split_words(query)
    return bool(sought) and all(any(word.startswith(prefix) for word in words) for prefix in sought)


def has_phrase(text: str, query: str) -> bool:
    """Whether the text has the wanted words one after the other."""
    words, phrase = split_words(text), split_words(query)
    starts = range(len(words) - len(phrase) + 1)
    return bool(phrase) and any(words[start : start + len(phrase)] == phrase for start in starts)
