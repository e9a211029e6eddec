"""The page of the board: one document without a framework or network requests, joined from its parts."""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from typing import Final

__all__ = ["board_page"]

_PART: Final = re.compile(r"^<!-- (style|script): (.+) -->$", re.MULTILINE)
"""The line of `board.html` that lists the files of its styles or its script, in order."""
_COMMENT: Final = "//"
_SPACES: Final = {
    "style": re.compile(r"""("[^"]*")|;(?=\s*})|\s*([{};,>+])\s*|(?<=:) """),
    "script": re.compile(r"""('[^'\n]*'|"[^"\n]*"|`[^`]*`)|\s*([{(\[,;=<>?:&|!+*-]+)\s*|\s*([})\]]+) *"""),
}
"""Quoted texts, or punctuation with the white space around it, which a browser does not need."""
_MARKS: Final = re.compile(r"(?<!async)\((\w+)\)(?==>)|,(?=[}\])])")
"""Parentheses around a single parameter, and commas after the last item: a browser needs neither."""
_FUNCTION: Final = re.compile(r"^(async )?function (\w+)(\(.*\)) {$")
"""The first line of a function of the script; it is rewritten as a `let` declaration."""
_CONST: Final = re.compile(r"\bconst\b")
_DECLARATION: Final = re.compile(r"^\s*let ")


@cache
def board_page() -> str:
    """The whole page."""
    return _PART.sub(lambda part: _join(part[1], part[2].split()), _read("board.html"))


def _join(kind: str, names: list[str]) -> str:
    """The element with these files; all scripts are wrapped in one function, which defines nothing on `window`."""
    lines = [line for name in names for line in _read(name).splitlines()]
    lines = [line for line in lines if line and not line.lstrip().startswith(_COMMENT)]
    text = "\n".join(map(str.strip, _join_declarations(lines) if kind == "script" else lines))
    text = _SPACES[kind].sub(lambda match: "".join(filter(None, match.groups())), text)
    text = _MARKS.sub(lambda match: match[1] or "", text)
    return f"<style>{text}</style>" if kind == "style" else f"<script>(()=>{{{text}\n}})()</script>"


def _join_declarations(lines: Iterable[str]) -> Iterator[str]:
    """The lines with consecutive declarations merged into one, functions of the script included."""
    is_declared, before = False, ""
    for written in lines:
        line = _CONST.sub("let", _FUNCTION.sub(r"let \2 = \1\3 => {", written))
        word = _DECLARATION.match(line)
        if line[0].isalpha():  # top-level functions of the script, whose declarations may have many lines
            line = _DECLARATION.sub(", " if is_declared else "let ", line)
            is_declared = word is not None
        elif word and before == word[0]:
            line = _DECLARATION.sub(", ", line)
        before = word[0] if word and _is_closed(written) else ""
        yield line


def _is_closed(line: str) -> bool:
    """Whether a line has no open bracket that a later line closes."""
    return sum(map(line.count, "([{")) == sum(map(line.count, ")]}"))


def _read(name: str) -> str:
    return files(__package__).joinpath("page", name).read_text("utf-8")
