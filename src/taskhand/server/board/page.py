"""The page of the board: one document without a framework and without a request to anywhere, joined from its parts."""

import re
from functools import cache
from importlib.resources import files
from typing import Final

__all__ = ["board_page"]

_PART: Final = re.compile(r"^<!-- (style|script): (.+) -->$", re.MULTILINE)
"""The line of `board.html` that names the files of its style or of its script, in their order."""
_COMMENT: Final = ("//", "/*")


@cache
def board_page() -> str:
    """The whole page."""
    return _PART.sub(lambda part: _join(part[1], part[2].split()), _read("board.html"))


def _join(kind: str, names: list[str]) -> str:
    """The element that holds these files; all scripts are one function, which leaves nothing to the window."""
    text = "\n".join(_without_comments(_read(name)) for name in names)
    return f"<style>\n{text}\n</style>" if kind == "style" else f'<script>(()=>{{"use strict"\n{text}\n}})()</script>'


def _without_comments(text: str) -> str:
    """The text without indentation and without the lines that are comments, which nobody reads in a conversation."""
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith(_COMMENT))


def _read(name: str) -> str:
    return files(__package__).joinpath("page", name).read_text("utf-8")
