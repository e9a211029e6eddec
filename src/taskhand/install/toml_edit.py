"""Sets or removes one value in a text of TOML; the rest of the text stays unchanged; pure."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

from taskhand.install.file_format import Leaf, Path, Span, Unsuitable
from taskhand.install.jsonc_parser import Child, Node, leaves_of
from taskhand.install.toml_parser import Statement, TomlText, parse_toml

__all__ = ["LANGUAGE", "find_comments", "find_leaves", "find_value", "put_value", "remove_value"]

LANGUAGE = "toml"

_Names = tuple[str, ...]

_NOTES = re.compile(r"(?:[ \t]*#[^\n]*(?:\n|\Z))*(?=[ \t]*\r?\n|\Z)")

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def find_value(text: str, path: Path) -> Any:
    """As in `FileFormat`."""
    return _find(parse_toml(text).value, _names(path))


def put_value(text: str, path: Path, value: object) -> str:
    """As in `FileFormat`; a mapping that is new becomes a table of its own, at the end of the tables beside it."""
    document, names = parse_toml(text), _names(path)
    if _find(document.value, names) == value:
        return text
    expected = deepcopy(dict(document.value))
    table = expected
    for name in names[:-1]:
        table = table.setdefault(name, {})
    table[names[-1]] = value
    return _check_result(_set_value(document, names, value), expected, names)


def remove_value(text: str, path: Path) -> str:
    """As in `FileFormat`."""
    document, names = parse_toml(text), _names(path)
    if _find(document.value, names) is None:
        return text
    expected = deepcopy(dict(document.value))
    table = expected
    for name in names[:-1]:
        table = table[name]
    del table[names[-1]]
    return _check_result(_remove(document, names), expected, names)


def find_leaves(text: str) -> Sequence[Leaf]:
    """As in `FileFormat`."""
    leaves = [(statement.path, statement.node) for statement in parse_toml(text).statements if statement.node]
    return [leaf for path, node in leaves for leaf in leaves_of(node, path)]


def find_comments(text: str) -> Sequence[Span]:
    """As in `FileFormat`."""
    return parse_toml(text).comments


def _names(path: Path) -> _Names:
    names = tuple(step for step in path if isinstance(step, str))
    if len(names) < len(path):
        raise Unsuitable("items of arrays cannot be edited")
    return names


def _find(value: Any, names: _Names) -> Any:
    for name in names:
        if not isinstance(value, dict):
            raise Unsuitable(f"{json.dumps(name)} cannot be found: its parent is not a table")
        if name not in value:
            return None
        value = value[name]
    return value


def _set_value(document: TomlText, names: _Names, value: object) -> str:
    for statement in document.statements:
        if statement.node and statement.path == names[: len(statement.path)]:
            return _put_inside(document.text, statement.node, names[len(statement.path) :], value)
    if not isinstance(value, Mapping):
        return _insert_line(document, names, value)
    return _insert_tables(parse_toml(_remove(document, names)), names, value)


def _put_inside(text: str, node: Node, names: _Names, value: object) -> str:
    """The text with a value put into an inline table, or with another value in place of this one."""
    if not names:
        return text[: node.start] + _inline(value) + text[node.end :]
    child = _child(text, node, names[0])
    if child:
        return _put_inside(text, child.node, names[1:], value)
    for name in names[:0:-1]:
        value = {name: value}
    new = f"{_key((names[0],))} = {_inline(value)}"
    at = node.children[-1].node.end if node.children else node.start + 1
    return (
        text[:at] + (f", {new}" if node.children else f" {new} ") + text[at:].lstrip(" " if not node.children else "")
    )


def _child(text: str, node: Node, name: str) -> Child | None:
    """The member of an inline table. Unsuitable for another value, and for members that share a dotted name."""
    named = [child for child in node.children if child.name == name]
    if text[node.start] != "{" or len(named) > 1:
        raise Unsuitable(f"{json.dumps(name)} cannot be set inside a dotted name; write its table in braces")
    return named[0] if named else None


def _insert_line(document: TomlText, names: _Names, value: object) -> str:
    """The text with a name and its value on a new line: after the others of its table, or in a table of its own."""
    table = names[:-1]
    beside = [statement for statement in document.statements if statement.section == table]
    beside = beside or [
        statement
        for statement in document.statements
        if statement.path[: len(table)] == table and len(statement.section) < len(table)
    ]
    if not beside and table:
        return _insert_tables(document, table, {names[-1]: value})
    if not beside:
        return _insert(document.text, 0, [f"{_key(names)} = {_inline(value)}"])
    last = beside[-1]
    line = document.text[last.start : last.end]
    indent = line[: len(line) - len(line.lstrip(" \t"))]
    new = f"{indent}{_key(names[len(last.section) :])} = {_inline(value)}"
    return _insert(document.text, last.end, [new])


def _insert_tables(document: TomlText, names: _Names, value: Mapping[str, object]) -> str:
    """The text with new tables, below those of the parent if it has a head, else at the end."""
    parent = names[:-1]
    inside = [statement for statement in document.statements if statement.path[: len(parent)] == parent]
    headed = parent and any(statement.path == parent for statement in inside)
    at = _after_notes(document.text, inside[-1].end) if headed else len(document.text)
    lines = list(_tables(names, value))
    if document.text[:at].strip() and not document.text[:at].endswith(("\n\n", "\n\r\n")):
        lines.insert(0, "")
    if document.text[at:].strip() and not document.text[at:].startswith(("\n", "\r\n")):
        lines.append("")
    return _insert(document.text, at, lines)


def _after_notes(text: str, at: int) -> int:
    """The end of the comments that directly follow a statement; its own end if they lead to the next one."""
    notes = _NOTES.match(text, at)
    return notes.end() if notes else at


def _insert(text: str, at: int, lines: Sequence[str]) -> str:
    """The text with whole lines inserted where a line begins, or at the end."""
    line_end = "\r\n" if "\r\n" in text else "\n"
    before = text[:at] if not text[:at] or text[:at].endswith("\n") else text[:at] + line_end
    return before + "".join(line + line_end for line in lines) + text[at:]


def _tables(names: _Names, value: Mapping[str, object]) -> Iterator[str]:
    """The lines of a table and of the tables in it."""
    yield f"[{_key(names)}]"
    for name, inner_value in value.items():
        if not isinstance(inner_value, Mapping):
            yield f"{_key((name,))} = {_inline(inner_value)}"
    for name, inner_value in value.items():
        if isinstance(inner_value, Mapping):
            yield ""
            yield from _tables((*names, name), inner_value)


def _remove(toml_text: TomlText, names: _Names) -> str:
    """The text without the statements of a value. Comments and blank lines between two of them go too."""
    text = toml_text.text
    for statement in toml_text.statements:
        if statement.node and len(statement.path) < len(names) and statement.path == names[: len(statement.path)]:
            return _remove_inside(text, statement.node, names[len(statement.path) :])
    for start, end in reversed(list(_groups(toml_text.statements, names))):
        before = text[:start]
        if not text[end:].strip(" \t") or text[end:].startswith(("\n", "\r\n")):
            before = re.sub(r"(^|\n)[ \t]*\r?\n\Z", r"\1", before)
        text = before + text[end:]
    return text


def _groups(statements: Sequence[Statement], names: _Names) -> Iterator[Span]:
    """The spans of neighbouring statements that belong to a value."""
    group: list[Statement] = []
    for statement in statements:
        if statement.path[: len(names)] == names:
            group.append(statement)
        elif group:
            yield group[0].start, group[-1].end
            group = []
    if group:
        yield group[0].start, group[-1].end


def _remove_inside(text: str, node: Node, names: _Names) -> str:
    child = _child(text, node, names[0])
    if child is None:
        return text
    if len(names) > 1:
        return _remove_inside(text, child.node, names[1:])
    index = node.children.index(child)
    if index + 1 < len(node.children):
        return text[: child.start] + text[node.children[index + 1].start :]
    if index:
        return text[: node.children[index - 1].node.end] + text[child.node.end :]
    return f"{text[: node.start]}{{}}{text[node.end :]}"


def _key(names: Sequence[str | int]) -> str:
    return ".".join(str(name) if _BARE.fullmatch(str(name)) else _inline(str(name)) for name in names)


def _inline(value: object) -> str:
    """A value on one line."""
    match value:
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
        case Mapping():
            inside = ", ".join(f"{_key((name,))} = {_inline(inner_value)}" for name, inner_value in value.items())
            return f"{{ {inside} }}" if inside else "{}"
        case list() | tuple():
            return f"[{', '.join(map(_inline, value))}]"
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


def _check_result(text: str, expected: Mapping[str, Any], names: _Names) -> str:
    """The text, after a check that it parses and has exactly the expected value.

    An empty table on the path counts as a missing one: a table without a head of its own ends with its last table.
    """
    try:
        parsed = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        parsed = {}
    if _comparable(parsed, names) != _comparable(expected, names):
        raise RuntimeError("The edit of the file went wrong, so nothing is written.")
    return text


def _comparable(value: Mapping[str, Any], names: _Names) -> str:
    """A text that is equal for equal values; the number nan is unequal to itself."""
    return json.dumps(_without_empty(value, names), sort_keys=True, default=str)


def _without_empty(value: Any, names: _Names) -> Any:
    """The value without empty tables on a path."""
    if not names or not isinstance(value, Mapping) or names[0] not in value:
        return value
    inside = _without_empty(value[names[0]], names[1:])
    others = {name: inner_value for name, inner_value in value.items() if name != names[0]}
    return others if inside == {} else others | {names[0]: inside}
