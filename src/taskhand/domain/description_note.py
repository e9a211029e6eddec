"""A note that is appended to a task's description: a line with the day, the author and what was noted; pure."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from taskhand.domain.display_text import one_line, plain
from taskhand.domain.html.conversion import html_of

__all__ = ["REPEATED_WITHIN", "DatedNote"]

REPEATED_WITHIN: Final = timedelta(minutes=10)
"""Time after midnight in which a repeated call still finds its note of the day before."""
_HTML: Final = re.compile(r"\s*<[a-zA-Z][^<>]*>.*</[a-zA-Z][a-zA-Z0-9]*>\s*", re.DOTALL)
"""A text that is HTML from its first character to its last."""


@dataclass(frozen=True, slots=True)
class DatedNote:
    """A note of `author` (None if unknown) at an aware moment, in the zone whose day is written."""

    text: str
    author: str | None
    at: datetime

    @property
    def line(self) -> str:
        """The note as it is written, e.g. `2026-11-26 Ana Soto: called, will send the offer`."""
        return self._line_on(self.at.date())

    def is_in(self, description: str) -> bool:
        """Whether a description has this very note already, as lines of its own: of the same day and author."""
        lines = [self._line_on(day) for day in {self.at.date(), (self.at - REPEATED_WITHIN).date()}]
        shown = f"\n{plain(description)}\n"
        return any(f"\n{plain(text)}\n" in shown for line in lines for text in (line, _as_html(line)))

    def after(self, description: str) -> str:
        """A description with the note on a line of its own at its end; in HTML as an element."""
        line = _as_html(self.line) if _HTML.fullmatch(description) else self.line
        return self.below(description, line)

    def below(self, text: str, line: str | None = None) -> str:
        """A text with the note, or with another form of its line, at the end."""
        gap = "" if not text or text.endswith("\n") else "\n"
        return f"{text}{gap}{line or self.line}"

    def _line_on(self, day: date) -> str:
        author = f" {one_line(self.author)}" if self.author else ""
        return f"{day.isoformat()}{author}: {self.text.strip()}"


def _as_html(line: str) -> str:
    return f"<div>{html_of(line)}</div>"
