"""Sets or removes one value in a text of JSON with comments; the rest of the text stays unchanged; pure."""

import json
import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from taskhand.install.file_format import ArrayItem, Leaf, Path, Span, Unsuitable
from taskhand.install.jsonc_parser import WHITESPACE, Node, Text, leaves_of, parse_jsonc

__all__ = ["LANGUAGE", "find_comments", "find_leaves", "find_value", "put_value", "remove_value"]


LANGUAGE = "json"


def find_value(text: str, path: Path) -> Any:
    """As in `FileFormat`."""
    node = parse_jsonc(text).root
    for step in path:
        if node is None:
            return None
        index = _index(node, step)
        node = None if index is None else node.children[index].node
    return node.value if node else None


def put_value(text: str, path: Path, value: object) -> str:
    """As in `FileFormat`; missing objects and arrays on the way are created.

    Unsuitable if the path leads through a value that is no object (or array), or a name on the path occurs twice.
    """
    document = parse_jsonc(text)
    if document.root is None:
        blank = text if not text or text.endswith("\n") else f"{text}\n"
        return f"{blank}{_render_value(_wrap_in_path(path, value), _Style(text), '')}\n"
    style, node = _Style(text, document.root), document.root
    for depth, step in enumerate(path):
        index = _index(node, step)
        if index is None:
            new = _insert_child(document, node, step, _wrap_in_path(path[depth + 1 :], value), style)
            return _check_result(new, _expected_value(document.root.value, path, value))
        node = node.children[index].node
    if node.value == value:
        return text
    new = text[: node.start] + _render_value(value, style, _indent(text, node.start)) + text[node.end :]
    return _check_result(new, _expected_value(document.root.value, path, value))


def remove_value(text: str, path: Path) -> str:
    """As in `FileFormat`."""
    document = parse_jsonc(text)
    node = document.root
    for depth, step in enumerate(path):
        index = None if node is None else _index(node, step)
        if document.root is None or node is None or index is None:
            return text
        if depth == len(path) - 1:
            return _check_result(
                _remove_child(document, node, index), _expected_value(document.root.value, path, _GONE)
            )
        node = node.children[index].node
    return text


def find_leaves(text: str) -> Sequence[Leaf]:
    """As in `FileFormat`."""
    root = parse_jsonc(text).root
    return list(leaves_of(root, ())) if root else []


def find_comments(text: str) -> Sequence[Span]:
    """As in `FileFormat`."""
    return parse_jsonc(text).comments


class _Style:
    """The style of a text: its line ends and its indentation."""

    def __init__(self, text: str, root: Node | None = None) -> None:
        self.line_end = "\r\n" if "\r\n" in text else "\n"
        self.unit = "  "
        for child in root.children if root else ():
            if _starts_line(text, child.start):
                self.unit = _indent(text, child.start)
                break


def _index(node: Node, step: str | ArrayItem) -> int | None:
    """The index of the child that a step leads to; None if there is none."""
    if isinstance(step, str):
        if not isinstance(node.value, dict):
            raise Unsuitable(f"{json.dumps(step)} cannot be found: its parent is not an object")
        indices = [index for index, child in enumerate(node.children) if child.name == step]
    else:
        if not isinstance(node.value, list):
            raise Unsuitable(f"{json.dumps(step.value)} cannot be found: its parent is not an array")
        indices = [index for index, child in enumerate(node.children) if _matches(child.node.value, step)]
    if len(indices) > 1:
        raise Unsuitable(f"{json.dumps(step if isinstance(step, str) else step.value)} occurs more than once")
    return indices[0] if indices else None


def _matches(value: object, step: ArrayItem) -> bool:
    return isinstance(value, dict) and value.get(step.field) == step.value


def _wrap_in_path(path: Path, value: object) -> object:
    """The value inside the objects and arrays of the path."""
    inside = value
    for step in reversed(path):
        inside = {step: inside} if isinstance(step, str) else [inside]
    return inside


def _render_value(value: object, style: _Style, indent: str) -> str:
    lines = json.dumps(value, ensure_ascii=False, indent=style.unit).split("\n")
    return f"{style.line_end}{indent}".join(lines)


def _insert_child(document: Text, container: Node, step: str | ArrayItem, value: object, style: _Style) -> str:
    """The text with a new last child in the container, in the style of its neighbours."""
    text, close = document.text, container.end - 1
    stop = _content_end(text, close)
    last = container.children[-1] if container.children else None
    name = f"{json.dumps(step, ensure_ascii=False)}: " if isinstance(step, str) else ""
    if not _breaks(document, container, stop):
        head = text[: last.node.end] + ("," if last.comma is None else "") + text[last.node.end : stop] if last else ""
        new = name + json.dumps(value, ensure_ascii=False) + ("," if last and last.comma is not None else "")
        return f"{head} {new}{text[stop:]}" if last else f"{text[:stop]}{new}{text[close:]}"
    indent = _child_indent(text, container, style)
    new = f"{style.line_end}{indent}{name}{_render_value(value, style, indent)}"
    if last is None:
        tail = (
            text[stop:] if "\n" in text[stop:close] else style.line_end + _indent(text, container.start) + text[close:]
        )
        return f"{text[:stop]}{new}{tail}"
    if last.comma is None:
        return f"{text[: last.node.end]},{text[last.node.end : stop]}{new}{text[stop:]}"
    return f"{text[:stop]}{new},{text[stop:]}"


def _breaks(document: Text, container: Node, stop: int) -> bool:
    """Whether a new child of the container starts on its own line."""
    if _in_line_comment(document, stop):
        return True
    if container.children:
        return _starts_line(document.text, container.children[-1].start)
    root = document.root or container
    return root is container or "\n" in document.text[root.start : root.end]


def _child_indent(text: str, container: Node, style: _Style) -> str:
    for child in reversed(container.children):
        if _starts_line(text, child.start):
            return _indent(text, child.start)
    return _indent(text, container.start) + style.unit


def _remove_child(document: Text, container: Node, index: int) -> str:
    """The text without one child, its comma, and its line if it was alone on it."""
    text, child = document.text, container.children[index]
    before = container.children[index - 1] if index else None
    end = child.node.end if child.comma is None else child.comma + 1
    start = _content_end(text, child.start)
    if index == len(container.children) - 1:
        if _in_line_comment(document, start) and not _ends_line(text, end):
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


def _expected_value(value: Any, path: Path, new: object) -> Any:
    """The expected value of the whole text after `new` is set at the path."""
    step, rest = path[0], path[1:]
    if isinstance(step, str):
        inside = _next(value.get(step), rest, new)
        others = {name: inner for name, inner in value.items() if name != step}
        return others if inside is _GONE else others | {step: inside}
    index = next((index for index, item in enumerate(value) if _matches(item, step)), len(value))
    inside = _next(value[index] if index < len(value) else None, rest, new)
    return [*value[:index], *([] if inside is _GONE else [inside]), *value[index + 1 :]]


def _next(value: Any, rest: Path, new: object) -> object:
    if not rest:
        return new
    return _wrap_in_path(rest, new) if value is None else _expected_value(value, rest, new)


def _check_result(text: str, expected: object) -> str:
    """The text, after a check that it parses and has exactly the expected value."""
    root = parse_jsonc(text).root
    if root is None or root.value != expected:
        raise RuntimeError("The edit of the file went wrong, so nothing is written.")
    return text


def _content_end(text: str, before: int) -> int:
    """The end of the last text before a position that is not whitespace."""
    at = before
    while at and text[at - 1] in WHITESPACE:
        at -= 1
    return at


def _in_line_comment(document: Text, end: int) -> bool:
    """Whether a line comment ends at this position."""
    index = bisect_right(document.comments, (end, 0)) - 1
    if index < 0:
        return False
    start, stop = document.comments[index]
    return start < end <= stop and document.text.startswith("//", start)


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _starts_line(text: str, at: int) -> bool:
    """Whether only whitespace precedes a position on its line, and the line is not the first."""
    start = _line_start(text, at)
    return start > 0 and not text[start:at].strip(" \t")


def _ends_line(text: str, at: int) -> bool:
    return re.compile(r"[ \t]*(?:\r?\n|$)").match(text, at) is not None


def _indent(text: str, at: int) -> str:
    """The indentation of the line of a position."""
    start = _line_start(text, at)
    line = text[start:at]
    return line[: len(line) - len(line.lstrip(" \t"))]
