"""One value put into a text of JSON with comments, or taken out; everything around it stays as it is; pure."""

import json
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from taskhand.install.jsonc import WHITESPACE, Node, Text, parse_jsonc

__all__ = ["Match", "Path", "Unsuitable", "find_value", "put_value", "remove_value"]


class Unsuitable(ValueError):
    """A text whose values are not of the shape that a path goes through."""


@dataclass(frozen=True, slots=True)
class Match:
    """A step into an array: to the item whose `field` has this value."""

    field: str
    value: str


Path = Sequence[str | Match]
"""The way to a value: names of members, and matches of items."""


def find_value(text: str, path: Path) -> Any:
    """The value at the end of the path; None where there is none. Unsuitable where the path goes through no object."""
    node = parse_jsonc(text).root
    for step in path:
        if node is None:
            return None
        index = _index(node, step)
        node = None if index is None else node.children[index].node
    return node.value if node else None


def put_value(text: str, path: Path, value: object) -> str:
    """The text with `value` at the end of the path, made where it is not there yet.

    A text that says so already comes back as it is. NotJson for what cannot be read, Unsuitable where the path goes
    through something that is no object (or no array), or by a name that is there twice.
    """
    found = parse_jsonc(text)
    if found.root is None:
        blank = text if not text or text.endswith("\n") else f"{text}\n"
        return f"{blank}{_rendered(_wrapped(path, value), _Style(text), '')}\n"
    style, node = _Style(text, found.root), found.root
    for place, step in enumerate(path):
        index = _index(node, step)
        if index is None:
            new = _inserted(found, node, step, _wrapped(path[place + 1 :], value), style)
            return _checked(new, _after(found.root.value, path, value))
        node = node.children[index].node
    if node.value == value:
        return text
    new = text[: node.start] + _rendered(value, style, _indent(text, node.start)) + text[node.end :]
    return _checked(new, _after(found.root.value, path, value))


def remove_value(text: str, path: Path) -> str:
    """The text without what is at the end of the path, if it is there. NotJson and Unsuitable as `put`."""
    found = parse_jsonc(text)
    node = found.root
    for place, step in enumerate(path):
        index = None if node is None else _index(node, step)
        if found.root is None or node is None or index is None:
            return text
        if place == len(path) - 1:
            return _checked(_removed(found, node, index), _after(found.root.value, path, _GONE))
        node = node.children[index].node
    return text


class _Style:
    """How a text is written: its line ends and one step of its indentation."""

    def __init__(self, text: str, root: Node | None = None) -> None:
        self.line_end = "\r\n" if "\r\n" in text else "\n"
        self.unit = "  "
        for child in root.children if root else ():
            if _starts_line(text, child.start):
                self.unit = _indent(text, child.start)
                break


def _index(node: Node, step: str | Match) -> int | None:
    """Which child a step leads to."""
    if isinstance(step, str):
        if not isinstance(node.value, dict):
            raise Unsuitable(f"{json.dumps(step)} cannot be looked for: what should hold it is not an object")
        places = [place for place, child in enumerate(node.children) if child.name == step]
    else:
        if not isinstance(node.value, list):
            raise Unsuitable(f"{json.dumps(step.value)} cannot be looked for: what should hold it is not an array")
        places = [place for place, child in enumerate(node.children) if _matches(child.node.value, step)]
    if len(places) > 1:
        raise Unsuitable(f"{json.dumps(step if isinstance(step, str) else step.value)} is there more than once")
    return places[0] if places else None


def _matches(value: object, step: Match) -> bool:
    return isinstance(value, dict) and value.get(step.field) == step.value


def _wrapped(path: Path, value: object) -> object:
    """The value inside the objects and arrays that the path names."""
    inside = value
    for step in reversed(path):
        inside = {step: inside} if isinstance(step, str) else [inside]
    return inside


def _rendered(value: object, style: _Style, indent: str) -> str:
    lines = json.dumps(value, ensure_ascii=False, indent=style.unit).split("\n")
    return f"{style.line_end}{indent}".join(lines)


def _inserted(found: Text, container: Node, step: str | Match, value: object, style: _Style) -> str:
    """The text with a new last child in the container, written as its neighbours are."""
    text, close = found.text, container.end - 1
    stop = _content_end(text, close)
    last = container.children[-1] if container.children else None
    name = f"{json.dumps(step, ensure_ascii=False)}: " if isinstance(step, str) else ""
    if not _breaks(found, container, stop):
        head = text[: last.node.end] + ("," if last.comma is None else "") + text[last.node.end : stop] if last else ""
        new = name + json.dumps(value, ensure_ascii=False) + ("," if last and last.comma is not None else "")
        return f"{head} {new}{text[stop:]}" if last else f"{text[:stop]}{new}{text[close:]}"
    indent = _child_indent(text, container, style)
    new = f"{style.line_end}{indent}{name}{_rendered(value, style, indent)}"
    if last is None:
        tail = (
            text[stop:] if "\n" in text[stop:close] else style.line_end + _indent(text, container.start) + text[close:]
        )
        return f"{text[:stop]}{new}{tail}"
    if last.comma is None:
        return f"{text[: last.node.end]},{text[last.node.end : stop]}{new}{text[stop:]}"
    return f"{text[:stop]}{new},{text[stop:]}"


def _breaks(found: Text, container: Node, stop: int) -> bool:
    """Whether a new child of the container begins a line of its own."""
    if _in_line_comment(found, stop):
        return True
    if container.children:
        return _starts_line(found.text, container.children[-1].start)
    root = found.root or container
    return root is container or "\n" in found.text[root.start : root.end]


def _child_indent(text: str, container: Node, style: _Style) -> str:
    for child in reversed(container.children):
        if _starts_line(text, child.start):
            return _indent(text, child.start)
    return _indent(text, container.start) + style.unit


def _removed(found: Text, container: Node, index: int) -> str:
    """The text without one child, its comma, and the line that it had for itself."""
    text, child = found.text, container.children[index]
    before = container.children[index - 1] if index else None
    end = child.node.end if child.comma is None else child.comma + 1
    start = _content_end(text, child.start)
    if index == len(container.children) - 1:
        if _in_line_comment(found, start) and not _ends_line(text, end):
            start = child.start
        head = text[:start]
        if before and before.comma is not None and child.comma is None:
            head = text[: before.comma] + text[before.comma + 1 : start]
        rest = text[end:]
        alone = before is None and text[container.start + 1 : start].strip(WHITESPACE) == ""
        return head + (text[container.end - 1 :] if alone and not text[end : container.end - 1].strip() else rest)
    if _ends_line(text, end):
        return text[:start] + text[end:]
    return text[: child.start] + text[end:].lstrip(" \t")


_GONE = object()


def _after(value: Any, path: Path, new: object) -> Any:
    """What the value of a text becomes when `new` is put at the end of the path."""
    step, rest = path[0], path[1:]
    if isinstance(step, str):
        inside = _next(value.get(step), rest, new)
        others = {name: one for name, one in value.items() if name != step}
        return others if inside is _GONE else others | {step: inside}
    place = next((place for place, one in enumerate(value) if _matches(one, step)), len(value))
    inside = _next(value[place] if place < len(value) else None, rest, new)
    return [*value[:place], *([] if inside is _GONE else [inside]), *value[place + 1 :]]


def _next(value: Any, rest: Path, new: object) -> object:
    if not rest:
        return new
    return _wrapped(rest, new) if value is None else _after(value, rest, new)


def _checked(text: str, expected: object) -> str:
    """The text, once it is sure that it can be read and says what it should, and nothing else."""
    root = parse_jsonc(text).root
    if root is None or root.value != expected:
        raise RuntimeError("The edit of the file went wrong, so nothing is written.")
    return text


def _content_end(text: str, before: int) -> int:
    """Where the last thing before a position ends, space left out."""
    at = before
    while at and text[at - 1] in WHITESPACE:
        at -= 1
    return at


def _in_line_comment(found: Text, end: int) -> bool:
    """Whether what ends here is a comment that takes the rest of its line."""
    place = bisect_right(found.comments, (end, 0)) - 1
    if place < 0:
        return False
    start, stop = found.comments[place]
    return start < end <= stop and found.text.startswith("//", start)


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _starts_line(text: str, at: int) -> bool:
    """Whether nothing but space stands before a position on its line, and it is not the first line."""
    start = _line_start(text, at)
    return start > 0 and not text[start:at].strip(" \t")


def _ends_line(text: str, at: int) -> bool:
    return re.compile(r"[ \t]*(?:\r?\n|$)").match(text, at) is not None


def _indent(text: str, at: int) -> str:
    """The space at the beginning of the line of a position."""
    start = _line_start(text, at)
    line = text[start:at]
    return line[: len(line) - len(line.lstrip(" \t"))]
