"""Text that customers wrote as it is displayed: without hidden characters, in one line, or as JSON; pure."""

import json
import re
from typing import Any, Final

from taskhand.domain.hidden_characters import HIDDEN, hidden_or_line_end

__all__ = [
    "escape_hidden",
    "may_hide",
    "one_line",
    "plain",
    "plain_json",
    "shown_positions",
    "strip_hidden",
]

_LINE_END: Final = re.compile("\r\n?|[\v\f\x85]")
"""Controls that end a line; without a replacement two words would join."""

_ESCAPED: Final = re.compile(r"\\[bfru]")
"""The JSON escapes of controls; an escaped backslash before such a letter looks the same."""


def plain(text: str) -> str:
    """The text as it is shown: without hidden characters, with newlines as line ends.

    The same object if nothing changes.
    """
    if not _has_hidden(text):
        return text
    shown = hidden_or_line_end().sub(_replacement, text)
    return text if shown == text else shown


def strip_hidden(text: str) -> str:
    """The text as it is compared: without any hidden character, needed or not; newlines as line ends."""
    return HIDDEN.sub("", _LINE_END.sub("\n", text)) if _has_hidden(text) else text


def shown_positions(text: str) -> list[int]:
    """The index in `text` of each character of `plain(text)`, followed by the length of `text`."""
    positions, start = list[int](), 0
    for match in hidden_or_line_end().finditer(text):
        positions += range(start, match.start() + bool(match["line_end"]))
        start = match.start() if match["needed"] else match.end()
    return [*positions, *range(start, len(text) + 1)]


def one_line(text: str) -> str:
    """The text in one line: without hidden characters, every run of blanks and line ends as one space."""
    return " ".join(plain(text).split())


def escape_hidden(json_text: str) -> str:
    """JSON text with the same value, its hidden characters written as escapes."""
    return HIDDEN.sub(lambda match: json.dumps(match[0])[1:-1], json_text)


def may_hide(json_text: str) -> bool:
    """Whether JSON text, as `compact_json` writes it, may hold hidden characters; False is certain, True is not."""
    return _has_hidden(json_text) or ("\\" in json_text and _ESCAPED.search(json_text) is not None)


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


def _has_hidden(text: str) -> bool:
    """Whether a text has a hidden character. Printable ASCII, which most texts are, needs no search."""
    return not (text.isascii() and text.isprintable()) and HIDDEN.search(text) is not None


def _replacement(match: re.Match[str]) -> str:
    """The text that is shown for a hidden character."""
    return "\n" if match["line_end"] else match["needed"] or ""
