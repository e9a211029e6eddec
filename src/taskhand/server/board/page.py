"""The page of the board: one document without a framework and without a request to anywhere, joined from its parts."""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from typing import Final

__all__ = ["board_page"]

_PART: Final = re.compile(r"^<!-- (style|script): (.+) -->$", re.MULTILINE)
"""The line of `board.html` that names the files of its style or of its script, in their order."""
_COMMENT: Final = "//"
_SPACES: Final = {
    "style": re.compile(r"""("[^"]*")|;(?=\s*})|\s*([{};,>+])\s*|(?<=:) """),
    "script": re.compile(r"""('[^'\n]*'|"[^"\n]*"|`[^`]*`)|\s*([{(\[,;=<>?:&|!+*-]+)\s*|\s*([})\]]+) *"""),
}
"""Texts in quotes, or marks with the white space around them, which a browser does not need."""
_MARKS: Final = re.compile(r"(?<!async)\((\w+)\)(?==>)|,(?=[}\])])")
"""Parentheses around one parameter, and commas after the last item: a browser needs none of them."""
_FUNCTION: Final = re.compile(r"^(async )?function (\w+)(\(.*\)) {$")
"""The first line of a function of the script, which can be declared like anything else."""
_CONST: Final = re.compile(r"\bconst\b")
_DECLARATION: Final = re.compile(r"^\s*let ")


@cache
def board_page() -> str:
    """The whole page."""
    return _PART.sub(lambda part: _join(part[1], part[2].split()), _read("board.html"))


def _join(kind: str, names: list[str]) -> str:
    """The element that holds these files; all scripts are one function, which leaves nothing to the window."""
    lines = [line for name in names for line in _read(name).splitlines()]
    lines = [line for line in lines if line and not line.lstrip().startswith(_COMMENT)]
    text = "\n".join(map(str.strip, _join_declarations(lines) if kind == "script" else lines))
    text = _SPACES[kind].sub(lambda found: "".join(filter(None, found.groups())), text)
    text = _MARKS.sub(lambda found: found[1] or "", text)
    return f"<style>{text}</style>" if kind == "style" else f"<script>(()=>{{{text}\n}})()</script>"


def _join_declarations(lines: Iterable[str]) -> Iterator[str]:
    """The lines with one declaration where several follow each other, functions of the script among them."""
    is_declared, before = False, ""
    for written in lines:
        line = _CONST.sub("let", _FUNCTION.sub(r"let \2 = \1\3 => {", written))
        word = _DECLARATION.match(line)
        if line[0].isalpha():  # of the script itself, whose declarations may have many lines
            line = _DECLARATION.sub(", " if is_declared else "let ", line)
            is_declared = word is not None
        elif word and before == word[0]:
            line = _DECLARATION.sub(", ", line)
        before = word[0] if word and _is_closed(written) else ""
        yield line


def _is_closed(line: str) -> bool:
    """Whether nothing of a line goes on in the next."""
    return sum(map(line.count, "([{")) == sum(map(line.count, ")]}"))


def _read(name: str) -> str:
    return files(__package__).joinpath("page", name).read_text("utf-8")
