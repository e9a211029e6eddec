"""The words of a phrase, folded; pure."""

import re
import unicodedata
from typing import Final

from taskhand.domain.display_text import strip_hidden

__all__ = ["tokens_of"]

_MAX_LENGTH: Final = 80
"""Characters; no phrase of the grammar is longer."""
_HALF: Final = re.compile(r"\b([ap])\. ?m\b\.?|(?<=\d)([ap])\.?m\b\.?|(?<=\d) ([ap]) m\b\.?", re.ASCII)
_ABBREVIATED: Final = re.compile(r"(?<=[a-z])\.(?=$|[ ,)])", re.ASCII)
_TOKEN: Final = re.compile(
    r"\d{1,4}[/.-]\d{1,2}(?:[/.-]\d{1,4})?(?![\w/:-])|\d{1,2}:\d\d(?::\d\d)?(?!\d)|\d{1,2}h\d\d\b"
    r"|\d{1,2}(?:st|nd|rd|th|o|a|er|ero|ro|era|do|da|to|ta|mo|vo)\b|\d{1,2}°|\d+(?![\d/:])"
    r"|o'clock|[a-z]+|@",
    re.ASCII,
)
_AROUND: Final = " .!?\"'\u00a1\u00bf\u201c\u201d"
"""Marks around a phrase that change nothing."""
_PLAIN: Final = str.maketrans({"\u2019": "'", "\u2010": "-", "\u2011": "-", "\u2013": "-", "\u2212": "-"})
_BETWEEN: Final = re.compile(r"(?<=[a-z])-(?=[a-z])|[\s,()]*", re.ASCII)


def tokens_of(text: str) -> list[str] | None:
    """The words, numbers, dates and times in a phrase; None if it has anything else, or is too long for one."""
    if len(text) > _MAX_LENGTH:
        return None
    folded = _fold(text).strip(_AROUND)
    folded = _ABBREVIATED.sub("", _HALF.sub(lambda half: f" {half[1] or half[2] or half[3]}m ", folded + " "))
    tokens, at = list[str](), 0
    while at < len(folded):
        at = _BETWEEN.match(folded, at).end()  # type: ignore[union-attr]  # it matches the empty text
        if at == len(folded):
            break
        token = _TOKEN.match(folded, at)
        if token is None:
            return None
        tokens.append(token[0])
        at = token.end()
    return tokens


def _fold(text: str) -> str:
    """The text in lower case, without accents and hidden characters, with plain blanks, hyphens and apostrophes."""
    plain = unicodedata.normalize("NFKD", strip_hidden(text)).casefold().translate(_PLAIN)
    return " ".join("".join(character for character in plain if not unicodedata.combining(character)).split())
