"""Conversion between the HTML of a CRM's text, such as `hs_task_body`, and plain text, both ways; pure.

HubSpot's editor writes HTML, and other programs write plain text
(https://developers.hubspot.com/docs/api-reference/crm-tasks-v3/guide). Text written by Taskhand reads back the same. A
character reference ends in `;`: `R&D`, `?a=1&copy=2` and an incomplete tag or reference at the end are text.
"""

import re
from collections.abc import Container
from dataclasses import dataclass, replace
from html import escape, unescape
from html.entities import html5
from html.parser import HTMLParser
from typing import Final

from taskhand.domain.html.css import Attributes, StyleSheet
from taskhand.domain.html.visibility import TextStyle

__all__ = ["append_line", "html_of", "html_to_text"]

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
_FORMATTING: Final = frozenset(
    {"a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"}
)
"""Elements that go on in the next block where they were opened in the one before
(https://html.spec.whatwg.org/multipage/parsing.html#formatting)."""
_CELLS: Final = frozenset({"caption", "table", "td", "th"})
"""Elements past which no element around them is ended by what is in them, nor goes on after them."""
_SPECIAL: Final = (
    _BLOCKS
    | _CELLS
    | {"applet", "body", "button", "center", "details", "dir", "hgroup", "html", "listing", "marquee", "menu", "object"}
    | {"search", "select", "summary", "tbody", "template", "textarea", "tfoot", "thead", "xmp"}
)
"""Elements that the end tag of another element in which they are does not end
(https://html.spec.whatwg.org/multipage/parsing.html#special)."""
_SCOPES: Final = _CELLS | {"applet", "button", "html", "marquee", "object", "template"}
_ENDED_BY: Final = {
    "head": _SPECIAL,
    "li": frozenset({"li"}),
    "dt": frozenset({"dd", "dt"}),
    "dd": frozenset({"dd", "dt"}),
    "td": frozenset({"td", "th", "tr"}),
    "th": frozenset({"td", "th", "tr"}),
    "tr": frozenset({"tr"}),
}
"""Elements whose end tag may be left out, and the elements that end them."""
_COMMENT: Final = re.compile(r"<!--(?:-?>|.*?(?:--!?>|\Z))", re.DOTALL)
_MAX_OPEN: Final = 500
"""Elements in elements; text in deeper ones is not shown."""
_DEFAULT: Final = TextStyle()
_ESCAPES: Final = {"\n": "<br>", "\r": "&#13;", "\xa0": "&#160;"}


def html_of(text: str | None) -> str:
    """HTML that shows the text and reads back the same; an empty string, which clears the body, for None."""
    escaped = escape(text or "", quote=False)
    return "".join(_ESCAPES.get(character, character) for character in escaped)


def append_line(body: str, line: str, text: str) -> str | None:
    """A body with one more line, so that it reads as `text`; None if it cannot, as after an element left open.

    The existing body stays unchanged. One without elements, whose line ends HTML does not show, becomes HTML.
    """
    html = html_of(line)
    written = [f"{body}<br>{html}", f"{body}<div>{html}</div>"]
    if not _TAG.search(body):
        written.append(html_of(text))
    return next((candidate for candidate in written if html_to_text(candidate) == text), None)


def html_to_text(body: str | None) -> str | None:
    """The text of a body, with the lines that the editor shows; None for a body without text."""
    if not body:
        return None
    closed, end, tail = body.rpartition(">")
    if not _TAG.search(closed):
        return _REFERENCE.sub(_decode, body)
    # The parser also decodes incomplete references, so it gets a private character in place of each `&`.
    stand_in = next((character for character in map(chr, _PRIVATE_USE) if character not in body), "&")
    reader = _TextCollector(stand_in, StyleSheet(closed))
    # A browser turns `<![` into a comment up to the next `>`. The parser knows some of these and raises for others.
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


@dataclass(slots=True)
class _Open:
    """An element that is not closed yet, and how text looks in it."""

    tag: str
    attributes: Attributes
    look: TextStyle


class _TextCollector(HTMLParser):
    """Collects the text that is seen, in which `stand_in` means `&`; a line end in the source becomes a space."""

    def __init__(self, stand_in: str, sheet: StyleSheet) -> None:
        super().__init__(convert_charrefs=False)
        self.parts: list[str] = []
        self._stand_in = stand_in
        self._sheet = sheet
        self._open: list[_Open] = []
        self._too_deep = 0
        self._breaks = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS - {"tr"} and (at := self._find_innermost("p", within=_SCOPES)) is not None:
            self._close(at, keep=_FORMATTING)  # a paragraph ends where a block begins
        while self._open and tag in _ENDED_BY.get(self._open[-1].tag, ()):
            self._open.pop()
        self._breaks = self._breaks or tag in _BLOCKS
        if tag not in _EMPTY:
            if len(self._open) < _MAX_OPEN:
                attributes = {
                    name: unescape((value or "").replace(self._stand_in, "&")) for name, value in reversed(attrs)
                }
                self._open.append(_Open(tag, attributes, self._look.within(tag, attributes, self._sheet)))
            else:
                self._too_deep += 1
        if tag == "br":
            self._add("\n")
        if tag == "li":
            self._add("- ")

    def handle_endtag(self, tag: str) -> None:
        self._breaks = self._breaks or tag in _BLOCKS
        if self._too_deep:
            self._too_deep -= 1
        elif (at := self._find_innermost(tag)) is not None and tag not in ("body", "html"):
            holds_special = any(element.tag in _SPECIAL for element in self._open[at + 1 :])
            if tag in _FORMATTING:
                self._close(at, keep=_FORMATTING | _SPECIAL if holds_special else _FORMATTING)
            elif tag in _SPECIAL or not holds_special:
                self._close(at, keep=() if tag in _CELLS else _FORMATTING)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)  # a browser does not see the slash

    def parse_starttag(self, i: int) -> int:
        end = super().parse_starttag(i)
        return len(self.rawdata) if end < 0 else end  # a tag that does not end takes all that follows

    def parse_comment(self, i: int, report: bool = True) -> int:  # noqa: ARG002, FBT001, FBT002  as in the class above
        match = _COMMENT.match(self.rawdata, i)
        return match.end() if match else super().parse_comment(i)

    def _find_innermost(self, tag: str, within: Container[str] = ()) -> int | None:
        """The place of the innermost open element of a tag; None past an element that `within` names."""
        for at in range(len(self._open) - 1, -1, -1):
            if self._open[at].tag == tag:
                return at
            if self._open[at].tag in within:
                return None
        return None

    def _close(self, at: int, keep: Container[str] = ()) -> None:
        """Close an open element and all in it, those that `keep` names excepted."""
        inner = self._open[at + 1 :]
        del self._open[at:]
        for element in inner:
            if element.tag in keep:
                self._open.append(
                    replace(element, look=self._look.within(element.tag, element.attributes, self._sheet))
                )

    @property
    def _look(self) -> TextStyle:
        return self._open[-1].look if self._open else _DEFAULT

    def handle_data(self, data: str) -> None:
        if "\n" in data:
            if self._breaks or not self.parts or self.parts[-1].endswith("\n"):
                data = data[match.end() :] if (match := _BREAK.match(data)) else data
            data = _BREAK.sub(" ", data)
        self._add(_REFERENCE.sub(_decode, data.replace(self._stand_in, "&")))

    def _add(self, text: str) -> None:
        if not text or self._too_deep or not self._look.shows_text:
            return
        if self._breaks and self.parts and not self.parts[-1].endswith("\n"):
            self.parts.append("\n")
        self._breaks = False
        self.parts.append(text)
