"""Remove hidden characters from text that customers wrote, and truncate it; pure.

Hidden characters still reach a model: marks that reverse the direction of text, characters without width, and tags that
spell whole sentences. They are the characters of Default_Ignorable_Code_Point
(https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt) and of the categories Cf, Cc and Cs
(https://www.unicode.org/reports/tr44/#General_Category_Values), except for the visible ones of Cf, which have the
property Prepended_Concatenation_Mark. The ranges are written out, because Python knows neither property, and its older
versions do not know the newest characters.
"""

import json
import re
from typing import Any

__all__ = ["escape_hidden", "may_hide", "one_line", "plain", "plain_json", "truncate"]

_DEFAULT_IGNORABLE = (
    (0x00AD, 0x00AD),  # soft hyphen
    (0x034F, 0x034F),  # combining grapheme joiner
    (0x061C, 0x061C),  # Arabic letter mark
    (0x115F, 0x1160),  # Hangul fillers
    (0x17B4, 0x17B5),  # Khmer inherent vowels
    (0x180B, 0x180F),  # Mongolian variation selectors and vowel separator
    (0x200B, 0x200F),  # zero-width space, joiners, direction marks
    (0x202A, 0x202E),  # directional embeddings and overrides
    (0x2060, 0x206F),  # word joiner, invisible operators, directional isolates, deprecated controls
    (0x3164, 0x3164),  # Hangul filler
    (0xFE00, 0xFE0F),  # variation selectors 1 to 16
    (0xFEFF, 0xFEFF),  # zero-width no-break space, the byte order mark
    (0xFFA0, 0xFFA0),  # halfwidth Hangul filler
    (0xFFF0, 0xFFF8),  # reserved
    (0x1BCA0, 0x1BCA3),  # shorthand format controls
    (0x1D173, 0x1D17A),  # musical format controls
    (0xE0000, 0xE0FFF),  # tags, variation selectors 17 to 256, reserved
)
_OTHER_FORMAT = (
    (0xFFF9, 0xFFFB),  # interlinear annotation
    (0x13430, 0x1343F),  # Egyptian hieroglyph controls
)
_CONTROLS = ((0x00, 0x08), (0x0B, 0x1F), (0x7F, 0x9F))
"""All but the tab and the newline."""
_SURROGATES = ((0xD800, 0xDFFF),)
"""Halves of a surrogate pair; in a Python text they are always unpaired."""

_HIDDEN = re.compile(
    "[{}]+".format(
        "".join(
            f"\\U{first:08X}-\\U{last:08X}"
            for first, last in (*_DEFAULT_IGNORABLE, *_OTHER_FORMAT, *_CONTROLS, *_SURROGATES)
        )
    )
)
_LINE_END = re.compile("\r\n?|[\v\f\x85]")
"""Controls that end a line; without a replacement two words would join."""

_ESCAPED = re.compile(r"\\[bfru]")
"""How JSON writes controls; an escaped backslash before such a letter looks the same."""


def plain(text: str) -> str:
    """The text without hidden characters, with newlines as line ends; the same object where nothing changes."""
    if _HIDDEN.search(text) is None:
        return text
    return _HIDDEN.sub("", _LINE_END.sub("\n", text))


def one_line(text: str) -> str:
    """The text in one line: without hidden characters, every run of blanks and line ends as one space."""
    return " ".join(plain(text).split())


def escape_hidden(json_text: str) -> str:
    """JSON text with the same value, its hidden characters written as escapes."""
    return _HIDDEN.sub(lambda found: json.dumps(found[0])[1:-1], json_text)


def may_hide(json_text: str) -> bool:
    """Whether JSON text, as Python writes it, may hold hidden characters; False is certain, True is not."""
    return _HIDDEN.search(json_text) is not None or _ESCAPED.search(json_text) is not None


def plain_json(value: Any) -> Any:
    """The JSON value with every string made plain; the names in objects are ours and stay."""
    match value:
        case str():
            return plain(value)
        case list() | tuple():
            return [plain_json(item) for item in value]
        case dict():
            return {name: plain_json(item) for name, item in value.items()}
        case _:
            return value


def truncate(text: str, longest: int) -> str:
    """The text; beyond `longest` characters its beginning, and the number of characters that were left out."""
    return text if len(text) <= longest else f"{text[:longest]}… (+{len(text) - longest} characters)"
