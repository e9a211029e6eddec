"""A parser of JSON with comments and trailing commas, whose values know their position in the text; pure.

No package on PyPI edits such a text in place without loss, or without Node.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from taskhand.install.file_format import Leaf, Unparsable

__all__ = ["WHITESPACE", "Child", "Node", "Text", "leaves_of", "parse_jsonc"]

WHITESPACE = " \t\r\n"

_DEEPEST = 200

_TOKEN = re.compile(
    r"""[ \t\r\n]*(?:
      (?P<comment>//[^\r\n]*|/\*.*?\*/)
    | (?P<string>"[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*")
    | (?P<scalar>(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null)(?![0-9A-Za-z_.]))
    | (?P<mark>[][{}:,])
    | (?P<end>\Z)
    )""",
    re.VERBOSE | re.DOTALL,
)


class Node(NamedTuple):
    """A value and its span in the text; `children` are the members of an object or the items of an array."""

    value: Any
    start: int
    end: int
    children: Sequence["Child"] = ()


class Child(NamedTuple):
    """A member or an item: its start (that of its name, if it has one), and the position of the comma after it."""

    name: str | None
    start: int
    node: Node
    comma: int | None = None


def leaves_of(node: Node, path: tuple[str | int, ...]) -> Iterator[Leaf]:
    """The simple values at and in a node to which `path` leads."""
    if not isinstance(node.value, dict | list):
        yield Leaf(path, node.value, node.start, node.end)
    for index, child in enumerate(node.children):
        yield from leaves_of(child.node, (*path, index if child.name is None else child.name))


@dataclass(frozen=True, slots=True)
class Text:
    """A parsed text: its value (None for an empty text), and the spans of its comments."""

    text: str
    root: Node | None
    comments: Sequence[tuple[int, int]]


class _JsoncToken(NamedTuple):
    kind: str
    start: int
    end: int


@lru_cache(maxsize=4)
def parse_jsonc(text: str) -> Text:
    """Parse a text; one with only whitespace and comments has no value. Unparsable gives the line of an error.

    Results are cached: a host's file may have megabytes, and one change parses it several times.
    """
    tokens = list(_tokens(text))
    parser = _JsoncParser(text, [token for token in tokens if token.kind != "comment"])
    comments = tuple((token.start, token.end) for token in tokens if token.kind == "comment")
    return Text(text, parser.whole(), comments)


def _tokens(text: str) -> Iterator[_JsoncToken]:
    at = 0
    for match in _TOKEN.finditer(text):
        if match.start() != at or match.lastgroup is None:
            break
        at = match.end()
        if match.lastgroup == "end":
            return
        yield _JsoncToken(match.lastgroup, match.start(match.lastgroup), at)
    at += len(text[at:]) - len(text[at:].lstrip(WHITESPACE))
    raise _refusal(text, at, f"{text[at]!r} is unexpected")


def _refusal(text: str, at: int, flaw: str) -> Unparsable:
    return Unparsable(flaw, text.count("\n", 0, at) + 1)


class _JsoncParser:
    """A recursive descent over the tokens."""

    def __init__(self, text: str, tokens: Sequence[_JsoncToken]) -> None:
        self._text = text
        self._tokens = tokens
        self._next = 0

    def whole(self) -> Node | None:
        """The value of the whole text."""
        if not self._tokens:
            return None
        root = self._value(_DEEPEST)
        if self._next < len(self._tokens):
            raise self._unexpected_error(self._tokens[self._next])
        return root

    def _take(self) -> _JsoncToken:
        if self._next == len(self._tokens):
            raise _refusal(self._text, len(self._text), "the text ends too early")
        self._next += 1
        return self._tokens[self._next - 1]

    def _take_mark(self, mark: str) -> _JsoncToken | None:
        """Consume the next token if it is this mark; None otherwise."""
        token = self._tokens[self._next] if self._next < len(self._tokens) else None
        if token is None or token.kind != "mark" or self._text[token.start] != mark:
            return None
        self._next += 1
        return token

    def _unexpected_error(self, token: _JsoncToken) -> Unparsable:
        return _refusal(self._text, token.start, f"{self._text[token.start : token.end][:20]!r} is unexpected")

    def _value(self, depth: int) -> Node:
        token = self._take()
        if token.kind in {"string", "scalar"}:
            return Node(self._decode(token), token.start, token.end)
        if depth == 0:
            raise _refusal(self._text, token.start, "it is nested too deeply")
        mark = self._text[token.start]
        if mark == "{":
            children, end = self._children("}", depth, named=True)
            return Node({child.name: child.node.value for child in children}, token.start, end, children)
        if mark == "[":
            children, end = self._children("]", depth, named=False)
            return Node([child.node.value for child in children], token.start, end, children)
        raise self._unexpected_error(token)

    def _decode(self, token: _JsoncToken) -> Any:
        try:
            return json.loads(self._text[token.start : token.end])
        except ValueError:
            raise self._unexpected_error(token) from None

    def _children(self, closing: str, depth: int, *, named: bool) -> tuple[Sequence[Child], int]:
        """The children up to the closing bracket, and the end of that bracket."""
        children: list[Child] = []
        while (close := self._take_mark(closing)) is None:
            if children and children[-1].comma is None:
                raise self._unexpected_error(self._take())
            children.append(self._child(depth, named=named))
        return tuple(children), close.end

    def _child(self, depth: int, *, named: bool) -> Child:
        name, start = None, None
        if named:
            token = self._take()
            if token.kind != "string":
                raise self._unexpected_error(token)
            name, start = self._decode(token), token.start
            if self._take_mark(":") is None:
                raise self._unexpected_error(self._take())
        node = self._value(depth - 1)
        comma = self._take_mark(",")
        return Child(name, node.start if start is None else start, node, comma.start if comma else None)
