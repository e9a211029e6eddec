"""The page of the board: one document without a framework and without a request to anywhere, joined from its parts."""

import re
from functools import cache
from importlib.resources import files
from typing import Final

__all__ = ["board_page"]

_PART: Final = re.compile(r"^<!-- (style|script): (.+) -->$", re.MULTILINE)
"""The line of `board.html` that names the files of its style or of its script, in their order."""
_COMMENT: Final = "//"
_SPACES: Final = {
    "style": re.compile(r"""("[^"]*")|\s*([{};,])\s*|(?<=:) """),
    "script": re.compile(r"""('[^'\n]*'|"[^"\n]*"|`[^`]*`)|\s*([{(\[,;=<>?:&|!+*-]+)\s*|\s*([})\]]+) *"""),
}
"""Texts in quotes, or marks with the white space around them, which a browser does not need."""
_MARKS: Final = re.compile(r"\((\w+)\)(?==>)|,(?=[}\])])")
"""Parentheses around one parameter, and commas after the last item: a browser needs none of them."""


@cache
def board_page() -> str:
    """The whole page."""
    return _PART.sub(lambda part: _join(part[1], part[2].split()), _read("board.html"))


def _join(kind: str, names: list[str]) -> str:
    """The element that holds these files; all scripts are one function, which leaves nothing to the window."""
    lines = [line.strip() for name in names for line in _read(name).splitlines()]
    text = "\n".join(line for line in lines if line and not line.startswith(_COMMENT))
    text = _SPACES[kind].sub(lambda found: "".join(filter(None, found.groups())), text)
    text = _MARKS.sub(lambda found: found[1] or "", text)
    return f"<style>{text}</style>" if kind == "style" else f'<script>(()=>{{"use strict"\n{text}\n}})()</script>'


def _read(name: str) -> str:
    return files(__package__).joinpath("page", name).read_text("utf-8")
