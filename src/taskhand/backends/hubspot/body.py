"""Between the HTML of `hs_task_body` and plain text, both ways; pure.

Bodies come from HubSpot's editor as HTML, and from other programs as plain text
(https://developers.hubspot.com/docs/api-reference/crm-tasks-v3/guide). Text written here reads back the same.
"""

import re
from html import escape, unescape
from html.parser import HTMLParser
from typing import Final

__all__ = ["html_of", "text_of"]

_TAG: Final = re.compile(r"<[a-zA-Z/!?]")
_BREAK: Final = re.compile(r"\s*\n\s*")
_BLOCKS: Final = frozenset(
    {"address", "article", "aside", "blockquote", "dd", "div", "dl", "dt", "fieldset", "figure", "footer", "form"}
    | {"h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section", "table"}
    | {"tr", "ul"}
)
_UNSEEN: Final = frozenset({"head", "script", "style", "title", "template"})
_WRITTEN: Final = {"\n": "<br>", "\r": "&#13;", "\xa0": "&#160;"}


def html_of(text: str | None) -> str:
    """HTML that shows the text and reads back as it; an empty string, which clears the body, for none."""
    escaped = escape(text or "", quote=False)
    return "".join(_WRITTEN.get(character, character) for character in escaped)


def text_of(body: str | None) -> str | None:
    """The text of a body, its lines where the editor shows them; None for a body without any."""
    if not body:
        return None
    if not _TAG.search(body) and "&" not in body:
        return body
    reader = _Reader(is_html=_TAG.search(body) is not None)
    reader.feed(body)
    reader.close()
    return "".join(reader.parts) or None


class _Reader(HTMLParser):
    """Collects text; in HTML a line end in the source is a space, in plain text it is a line end."""

    def __init__(self, *, is_html: bool) -> None:
        super().__init__(convert_charrefs=False)
        self.parts: list[str] = []
        self._is_html = is_html
        self._unseen = 0
        self._breaks = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._unseen += tag in _UNSEEN
        self._breaks = self._breaks or tag in _BLOCKS
        if tag == "br":
            self._add("\n")
        if tag == "li":
            self._add("- ")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _UNSEEN:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        self._unseen = max(0, self._unseen - (tag in _UNSEEN))
        self._breaks = self._breaks or tag in _BLOCKS

    def handle_data(self, data: str) -> None:
        if self._is_html and "\n" in data:
            if self._breaks or not self.parts or self.parts[-1].endswith("\n"):
                data = data[match.end() :] if (match := _BREAK.match(data)) else data
            data = _BREAK.sub(" ", data)
        self._add(data)

    def handle_entityref(self, name: str) -> None:
        # The editor writes &nbsp; for every second space; a true no-break space is written as a number here.
        self._add(" " if name == "nbsp" else unescape(f"&{name};"))

    def handle_charref(self, name: str) -> None:
        self._add(unescape(f"&#{name};"))

    def _add(self, text: str) -> None:
        if self._unseen or not text:
            return
        if self._breaks and self.parts and not self.parts[-1].endswith("\n"):
            self.parts.append("\n")
        self._breaks = False
        self.parts.append(text)
