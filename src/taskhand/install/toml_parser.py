"""A parser of TOML whose statements and values know their position in the text; pure.

The standard library's `tomllib` reads the values and refuses what is not TOML; this module finds where they are.
tomlkit keeps a comment before the next table as a part of the table above it, so it would remove it with that table.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from taskhand.install.file_format import Span, Unparsable
from taskhand.install.jsonc_parser import Child, Node

__all__ = ["Statement", "TomlText", "parse_toml"]

_TOKEN = re.compile(
    r'''(?:
      (?P<space>[ \t]+)
    | (?P<line>\r?\n)
    | (?P<comment>\#[^\r\n]*)
    | (?P<string>
        """(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}
      | '{3}(?:[^']|'{1,2}(?!'))*'{3,5}
      | "(?:[^"\\\n]|\\.)*"
      | '[^'\n]*'
      )
    | (?P<mark>[][{}=,.])
    | (?P<bare>[^]["'\#{}=,.\s]+)
    )''',
    re.VERBOSE | re.DOTALL,
)

_BETWEEN = ("space", "line", "comment")

_LINE = re.compile(r"line (\d+)")


class Statement(NamedTuple):
    """The head of a table (`node` is None), or a name with its value; the span is that of its whole lines.

    `path` leads from the root; `section` is the part of it that the head of its table names.
    """

    path: tuple[str | int, ...]
    section: tuple[str | int, ...]
    start: int
    end: int
    node: Node | None


@dataclass(frozen=True, slots=True)
class TomlText:
    """A parsed text: its value, its statements in their order, and the spans of its comments."""

    text: str
    value: Mapping[str, Any]
    statements: Sequence[Statement]
    comments: Sequence[Span]


class _TomlToken(NamedTuple):
    kind: str
    start: int
    end: int


@lru_cache(maxsize=4)
def parse_toml(text: str) -> TomlText:
    """Parse a text; Unparsable gives the line of an error. Results are cached: one change parses a text often."""
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at_line = _LINE.search(str(error))
        line = int(at_line[1]) if at_line else text.count("\n") + 1
        raise Unparsable(str(error).partition(" (at ")[0], line) from None
    except RecursionError:
        raise Unparsable("it is nested too deeply", 1) from None
    tokens = [_TomlToken(str(match.lastgroup), *match.span()) for match in _TOKEN.finditer(text)]
    comments = [(token.start, token.end) for token in tokens if token.kind == "comment"]
    return TomlText(text, value, list(_TomlParser(text, tokens).statements()), comments)


class _TomlParser:
    """A recursive descent over the tokens of a text that is known to be TOML."""

    def __init__(self, text: str, tokens: Sequence[_TomlToken]) -> None:
        self._text = text
        self._tokens = tokens
        self._next = 0
        self._arrays: dict[tuple[str, ...], int] = {}

    def statements(self) -> Iterator[Statement]:
        """All statements, in their order."""
        section: tuple[str | int, ...] = ()
        while self._skip(*_BETWEEN):
            begin = self._text.rfind("\n", 0, self._peek().start) + 1
            if self._mark() == "[":
                section = self._section()
                path, node = section, None
            else:
                path = (*section, *self._key("="))
                self._skip("space")
                node = self._value()
            self._skip("space", "comment")
            end = self._peek().end if self._next < len(self._tokens) else len(self._text)
            yield Statement(path, section, begin, end, node)

    def _peek(self) -> _TomlToken:
        return self._tokens[self._next]

    def _mark(self) -> str:
        """The next token as text."""
        token = self._peek()
        return self._text[token.start : token.end]

    def _skip(self, *kinds: str) -> bool:
        """Pass over tokens of these kinds; False at the end of the text."""
        while self._next < len(self._tokens) and self._peek().kind in kinds:
            self._next += 1
        return self._next < len(self._tokens)

    def _key(self, closing: str) -> tuple[str, ...]:
        """The names of a dotted key; the closing mark is consumed."""
        start = self._peek().start
        while self._mark() != closing:
            self._next += 1
        table: Any = tomllib.loads(f"{self._text[start : self._peek().start]}=0")
        self._next += 1
        names = []
        while isinstance(table, dict):
            [(name, table)] = table.items()
            names.append(name)
        return tuple(names)

    def _section(self) -> tuple[str | int, ...]:
        """The path that the head of a table names, with the index of each array of tables on it."""
        self._next += 1
        many = self._mark() == "["
        self._next += many
        names = self._key("]")
        self._next += many
        if many:
            self._arrays[names] = self._arrays.get(names, -1) + 1
        path: list[str | int] = []
        for count, name in enumerate(names, start=1):
            path.append(name)
            if (index := self._arrays.get(names[:count])) is not None:
                path.append(index)
        return tuple(path)

    def _value(self) -> Node:
        token = self._peek()
        match self._mark():
            case "[":
                return self._children("]")
            case "{":
                return self._children("}")
        end = token.end
        if token.kind == "string":
            self._next += 1
        else:
            while self._next < len(self._tokens) and (self._peek().kind in {"bare", "space"} or self._mark() == "."):
                end = end if self._peek().kind == "space" else self._peek().end
                self._next += 1
        return Node(tomllib.loads(f"_ = {self._text[token.start : end]}")["_"], token.start, end)

    def _children(self, closing: str) -> Node:
        """An array or an inline table."""
        start = self._peek().start
        self._next += 1
        children: list[Child] = []
        while self._skip(*_BETWEEN) and self._mark() != closing:
            at = self._peek().start
            names = self._key("=") if closing == "}" else (None,)
            self._skip(*_BETWEEN)
            node = self._value()
            self._skip(*_BETWEEN)
            comma = self._peek().start if self._mark() == "," else None
            self._next += comma is not None
            for name in names[:0:-1]:
                node = Node({name: node.value}, node.start, node.end, [Child(name, node.start, node)])
            children.append(Child(names[0], at, node, comma))
        end = self._peek().end
        self._next += 1
        values = [child.node.value for child in children]
        named = {str(child.name): child.node.value for child in children}
        return Node(named if closing == "}" else values, start, end, children)
