"""Between the HTML of `hs_task_body` and plain text, both ways; pure.

HubSpot's editor writes HTML, and other programs write plain text
(https://developers.hubspot.com/docs/api-reference/crm-tasks-v3/guide). Text written by Taskhand reads back the same. A
character reference ends in `;`: `R&D`, `?a=1&copy=2` and an incomplete tag or reference at the end are text.
"""

import re
from html import escape, unescape
from html.entities import html5
from html.parser import HTMLParser
from typing import Final

__all__ = ["html_of", "text_of"]

_TAG: Final = re.compile(r"<[a-zA-Z/!?]")
_REFERENCE: Final = re.compile(r"&(#[0-9]{1,9}|#[xX][0-9a-fA-F]{1,8}|[a-zA-Z][a-zA-Z0-9]{0,40});")
_PRIVATE_USE: Final = range(0xE000, 0xF900)
_BREAK: Final = re.compile(r"\s*\n\s*")
_BLOCKS: Final = frozenset(
    {"address", "article", "aside", "blockquote", "dd", "div", "dl", "dt", "fieldset", "figure", "footer", "form"}
    | {"h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section", "table"}
    | {"tr", "ul"}
)
_EMPTY: Final = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
"""Elements without an end tag."""
_INVISIBLE: Final = re.compile(
    r"(?:^|;)(?:"
    r"display:none|visibility:(?:hidden|collapse)|mso-hide:all|color:transparent"
    r"|opacity:(?:0*\.?0+%?)|font-size:(?:0*\.?0+|0*\.\d+|1)(?:px|pt|em|rem|%)?"
    r"|(?:max-)?(?:height|width):0(?:px)?|text-indent:-\d{3,}\w*|(?:left|top):-\d{3,}\w*"
    r")(?:!important)?(?:;|$)"
)
"""Styles by which an element is not seen, in lower case and without blanks."""
_NOT_STYLE: Final = re.compile(r"\s|/\*.*?\*/", re.DOTALL)
_HIDDEN: Final = frozenset({"head", "script", "style", "title", "template"})
_ESCAPES: Final = {"\n": "<br>", "\r": "&#13;", "\xa0": "&#160;"}


def html_of(text: str | None) -> str:
    """HTML that shows the text and reads back the same; an empty string, which clears the body, for None."""
    escaped = escape(text or "", quote=False)
    return "".join(_ESCAPES.get(character, character) for character in escaped)


def text_of(body: str | None) -> str | None:
    """The text of a body, with the lines that the editor shows; None for a body without text."""
    if not body:
        return None
    closed, end, tail = body.rpartition(">")
    if not _TAG.search(closed):
        return _REFERENCE.sub(_decode, body)
    # The parser also decodes incomplete references, so it gets a private character in place of each `&`.
    stand_in = next((one for one in map(chr, _PRIVATE_USE) if one not in body), "&")
    reader = _Reader(stand_in)
    # Of `<![` a browser makes a comment up to the next `>`; the parser knows some such sections and raises for others.
    markup = closed.replace("<![", "<!-[") + end + tail.replace("<", "&lt;")
    reader.feed(markup.replace("&", stand_in))
    reader.close()
    return "".join(reader.parts) or None


def _decode(reference: re.Match[str]) -> str:
    """The character of a reference; an unknown reference stays as it is."""
    name = reference[1]
    if name == "nbsp":  # the editor writes it for every second space; Taskhand writes a real no-break space as a number
        return " "
    return unescape(reference[0]) if name.startswith("#") or f"{name};" in html5 else reference[0]


class _Reader(HTMLParser):
    """Collects the text that is seen, in which `stand_in` means `&`; a line end in the source becomes a space.

    `_hidden` are the open elements from the outermost invisible one on.
    """

    def __init__(self, stand_in: str) -> None:
        super().__init__(convert_charrefs=False)
        self.parts: list[str] = []
        self._stand_in = stand_in
        self._hidden: list[str] = []
        self._breaks = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS and self._hidden[-1:] == ["p"]:
            self._hidden.pop()  # a paragraph ends where a block begins
        if tag not in _EMPTY and (self._hidden or tag in _HIDDEN or self._is_invisible(attrs)):
            self._hidden.append(tag)
        self._breaks = self._breaks or tag in _BLOCKS
        if tag == "br":
            self._add("\n")
        if tag == "li":
            self._add("- ")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._hidden:
            last = len(self._hidden) - 1 - self._hidden[::-1].index(tag)
            del self._hidden[last:]
        self._breaks = self._breaks or tag in _BLOCKS

    def _is_invisible(self, attrs: list[tuple[str, str | None]]) -> bool:
        """Whether an element with these attributes is not shown, so that nobody who reads the body sees its text."""
        given = dict(attrs)
        style = unescape((given.get("style") or "").replace(self._stand_in, "&"))
        return "hidden" in given or _INVISIBLE.search(_NOT_STYLE.sub("", style).lower()) is not None

    def handle_data(self, data: str) -> None:
        if "\n" in data:
            if self._breaks or not self.parts or self.parts[-1].endswith("\n"):
                data = data[match.end() :] if (match := _BREAK.match(data)) else data
            data = _BREAK.sub(" ", data)
        self._add(_REFERENCE.sub(_decode, data.replace(self._stand_in, "&")))

    def _add(self, text: str) -> None:
        if self._hidden or not text:
            return
        if self._breaks and self.parts and not self.parts[-1].endswith("\n"):
            self.parts.append("\n")
        self._breaks = False
        self.parts.append(text)
