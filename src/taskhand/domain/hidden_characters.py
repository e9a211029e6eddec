"""Hidden characters, and those among them that are shown because a script or an emoji needs them; pure.

Hidden characters still reach a model: marks that reverse the direction of text, characters without width, and tags that
spell whole sentences. They are the characters of Default_Ignorable_Code_Point
(https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt) and of the categories Cf, Cc and Cs
(https://www.unicode.org/reports/tr44/#General_Category_Values), except for the visible ones of Cf, which have the
property Prepended_Concatenation_Mark. The ranges are written out, because Python knows neither property, and its older
versions do not know the newest characters.

A joiner or variation selector is shown after a letter that it joins
(https://www.rfc-editor.org/rfc/rfc5892#appendix-A), or a sign whose form it chooses
(https://www.unicode.org/reports/tr51/, https://www.unicode.org/reports/tr37/). More than one in a row, or one after any
other character, means nothing there and is hidden.
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import Final

__all__ = ["HIDDEN", "hidden_or_line_end"]

_DEFAULT_IGNORABLE: Final = (
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
_OTHER_FORMAT: Final = (
    (0xFFF9, 0xFFFB),  # interlinear annotation
    (0x13430, 0x1343F),  # Egyptian hieroglyph controls
)
_CONTROLS: Final = ((0x00, 0x08), (0x0B, 0x1F), (0x7F, 0x9F))
"""All but the tab and the newline."""
_SURROGATES: Final = ((0xD800, 0xDFFF),)
"""Halves of a surrogate pair; in a Python text they are always unpaired."""

_EMOJI: Final = (
    (0xA9, 0xA9),  # copyright
    (0xAE, 0xAE),  # registered
    (0x203C, 0x203C),  # double exclamation
    (0x2049, 0x2049),  # exclamation and question
    (0x2122, 0x2122),  # trade mark
    (0x2139, 0x2139),  # information
    (0x2194, 0x21AA),  # arrows
    (0x231A, 0x23FF),  # technical signs
    (0x24C2, 0x24C2),  # circled M
    (0x25AA, 0x25FE),  # squares and triangles
    (0x2600, 0x27BF),  # miscellaneous symbols, dingbats
    (0x2934, 0x2935),  # curved arrows
    (0x2B05, 0x2B55),  # arrows, squares, star, circle
    (0x3030, 0x3030),  # wavy dash
    (0x303D, 0x303D),  # part alternation mark
    (0x3297, 0x3299),  # congratulation, secret
    (0x1F000, 0x1FAFF),  # pictographs
)
_JOINED: Final = (
    (0x0620, 0x08FF),  # Arabic, Syriac, N'Ko, Mandaic
    (0x0900, 0x0DFF),  # the scripts of India and Sri Lanka
    (0x0F00, 0x109F),  # Tibetan, Myanmar
    (0x1780, 0x17B3),  # Khmer
    (0x17B6, 0x17FF),
    (0x1807, 0x180A),  # Mongolian
    (0x1820, 0x18AF),
    (0x1A20, 0x1AAF),  # Tai Tham
    (0x1B00, 0x1C4F),  # Balinese, Sundanese, Batak, Lepcha
    (0xA840, 0xA87F),  # Phags-pa
    (0xA8E0, 0xA8FF),  # Devanagari
    (0xA980, 0xA9DF),  # Javanese
    (0xAA60, 0xAA7F),  # Myanmar
    (0xABC0, 0xABFF),  # Meetei Mayek
    (0xFB50, 0xFDFF),  # Arabic presentation forms
    (0xFE70, 0xFEFC),
    (0x10A00, 0x10FFF),  # Kharoshthi to Sogdian
    (0x11000, 0x11FFF),  # Brahmi and those that come from it
    (0x1E900, 0x1E95F),  # Adlam
)
_HAN: Final = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))
_MONGOLIAN: Final = ((0x1820, 0x18AA),)
_MYANMAR: Final = ((0x1000, 0x109F), (0xAA60, 0xAA7F))
_FLAGS: Final = ("gbeng", "gbsct", "gbwls")
"""England, Scotland and Wales: the only flags that are spelled with tags."""


def _characters(*ranges: Sequence[tuple[int, int]]) -> str:
    """The class of a regular expression that has these ranges."""
    return "[{}]".format("".join(f"\\U{first:08X}-\\U{last:08X}" for table in ranges for first, last in table))


def _tags(letters: str) -> str:
    return "".join(chr(0xE0000 + ord(letter)) for letter in letters)


_EVERY: Final = _characters(_DEFAULT_IGNORABLE, _OTHER_FORMAT, _CONTROLS, _SURROGATES)

HIDDEN: Final = re.compile(f"{_EVERY}+")
"""Hidden characters, including those that are shown where they are needed."""


@cache
def hidden_or_line_end() -> re.Pattern[str]:
    """Matches one hidden character after the other; compiled when it is first needed, as that takes a while.

    The group `line_end` is a control that ends a line, the group `needed` a character that is shown.
    """
    sign = _characters(_EMOJI)
    needed = (
        f"(?<={sign})[\ufe0e\ufe0f]",
        "(?<=[0-9#*])\ufe0f(?=\u20e3)",  # keycaps
        f"(?:(?<={sign})|(?<={sign}\ufe0f))\u200d(?={sign})",
        f"(?<={_characters(_JOINED)})[\u200c\u200d]",
        f"(?<={_characters(_HAN)})[\ufe00-\ufe02\U000e0100-\U000e011f]",
        f"(?<={_characters(_MONGOLIAN)})[\u180b-\u180f]",
        f"(?<={_characters(_MYANMAR)})\ufe00",
        f"(?<=\U0001f3f4)(?:{'|'.join(map(_tags, _FLAGS))})\U000e007f",
    )
    return re.compile(f"(?P<line_end>\r\n?|[\v\f\x85])|(?P<needed>{'|'.join(needed)})|{_EVERY}")
