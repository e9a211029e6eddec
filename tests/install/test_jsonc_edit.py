"""A host's file changed in one place: what is put in is there, and what is around it is as it was."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from install.jsonc_texts import is_subsequence, jsonc_texts, values
from taskhand.install.file_format import ArrayItem, Unparsable, Unsuitable
from taskhand.install.jsonc_edit import find_value, put_value, remove_value
from taskhand.install.jsonc_parser import parse_jsonc

PATH = ("mcpServers", "taskhand")
ENTRY = {"command": "/opt/python", "args": ["-m", "taskhand"]}


def _tokens(text: str) -> list[str]:
    """A text without its space: the words and the comments, in their order."""
    found = parse_jsonc(text)
    comments = [(start, text[start:end].rstrip()) for start, end in found.comments]
    marks = [(place, text[place]) for place in range(len(text)) if text[place].strip()]
    outside = [mark for mark in marks if not any(start <= mark[0] < end for start, end in found.comments)]
    return [what for _, what in sorted(comments + outside)]


def _fits(text: str) -> bool:
    """Whether the servers of a text are an object, or not there."""
    root = parse_jsonc(text).root
    return root is not None and isinstance(root.value.get("mcpServers", {}), dict)


@given(jsonc_texts(), values)
def test_a_put_value_is_found_and_all_else_is_unchanged(text: str, value: Any) -> None:
    if not _fits(text):
        return
    new = put_value(text, PATH, value)
    assert find_value(new, PATH) == value
    assert is_subsequence(_tokens(text), _tokens(new))
    assert ("\r\n" in new) == ("\r\n" in text) or "\n" not in text


@given(jsonc_texts(), values)
def test_removing_a_put_value_restores_the_text(text: str, value: Any) -> None:
    if _fits(text) and find_value(text, PATH[:1]):
        assert remove_value(put_value(text, PATH, value), PATH) == text


@given(jsonc_texts(), values)
def test_putting_the_same_value_twice_changes_nothing(text: str, value: Any) -> None:
    if _fits(text):
        once = put_value(text, PATH, value)
        assert put_value(once, PATH, value) == once


@given(jsonc_texts(), st.data())
def test_any_value_can_be_removed_and_all_else_is_unchanged(text: str, data: st.DataObject) -> None:
    root = parse_jsonc(text).root
    assert root is not None
    name = data.draw(st.sampled_from(sorted(root.value) or ["none"]))
    new = remove_value(text, (name,))
    assert parse_jsonc(new).root is not None
    assert find_value(new, (name,)) is None
    assert is_subsequence(_tokens(new), _tokens(text))


@given(st.text(alphabet='{}[]",:/* \n\\1tru-e.', max_size=12))
def test_plain_json_is_parsed_as_by_the_standard_library(text: str) -> None:
    try:
        expected = json.loads(text)
    except ValueError:
        return
    root = parse_jsonc(text).root
    assert root is not None
    assert root.value == expected


@pytest.mark.parametrize("text", ["", " \n", "// nothing yet\n", "/* nothing */"])
def test_an_empty_file_gets_a_whole_object(text: str) -> None:
    new = put_value(text, PATH, ENTRY)
    assert new.startswith(text)
    assert find_value(new, PATH) == ENTRY
    assert new.endswith("}\n")


WRITTEN = {
    "two_spaces": (
        '{\n  "a": {}\n}\n',
        '{\n  "a": {},\n  "mcpServers": {\n    "taskhand": {\n      "x": 1\n    }\n  }\n}\n',
    ),
    "tabs_and_a_trailing_comma": (
        '{\r\n\t"mcpServers": {\r\n\t\t"a": {}, // mine\r\n\t},\r\n}',
        '{\r\n\t"mcpServers": {\r\n\t\t"a": {}, // mine\r\n\t\t"taskhand": {\r\n\t\t\t"x": 1\r\n\t\t},\r\n\t},\r\n}',
    ),
    "one_line": ('{"mcpServers": {"a": 1}}', '{"mcpServers": {"a": 1, "taskhand": {"x": 1}}}'),
    "a_note_at_the_end_of_the_last_line": (
        '{\n  "mcpServers": {\n    "a": 1 // mine\n    // "b": 2\n  }\n}',
        '{\n  "mcpServers": {\n    "a": 1, // mine\n    // "b": 2\n    "taskhand": {\n      "x": 1\n    }\n  }\n}',
    ),
}


@pytest.mark.parametrize(("old", "new"), WRITTEN.values(), ids=WRITTEN)
def test_an_entry_is_written_in_the_style_of_its_neighbours(old: str, new: str) -> None:
    assert put_value(old, PATH, {"x": 1}) == new


def test_an_item_of_an_array_is_found_by_its_id() -> None:
    text = '{"inputs": [{"id": "theirs"}, "ours", null, /* ours */ {"id": "ours", "n": 1}]}'
    path = ("inputs", ArrayItem("id", "ours"))
    others = '{"inputs": [{"id": "theirs"}, "ours", null'
    assert put_value(text, path, {"id": "ours"}) == others + ', /* ours */ {\n  "id": "ours"\n}]}'
    assert remove_value(text, path) == others + " /* ours */]}"
    assert find_value(text, ("inputs", ArrayItem("id", "neither"))) is None


@pytest.mark.parametrize(
    "text", ["[]", "1", '"text"', '{"mcpServers": []}', '{"mcpServers": null}', '{"mcpServers": {}, "mcpServers": {}}']
)
def test_a_file_of_another_shape_is_refused(text: str) -> None:
    with pytest.raises(Unsuitable):
        put_value(text, PATH, ENTRY)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{", 1),
        ('{"a": 1}}', 1),
        ('{\n"a" 1}', 2),
        ('{"a": 01}', 1),
        ('{"a": tru}', 1),
        ("{'a': 1}", 1),
        ('{"a": "\n"}', 1),
        ('{"a": "\\x"}', 1),
        ("{a: 1}", 1),
        ("{,}", 1),
        ('{"a": 1,, "b": 2}', 1),
        ("[1 2]", 1),
        ("{}\n/* open", 2),
        ('{"a": NaN}', 1),
        ("[" * 100_000, 1),
    ],
)
def test_invalid_json_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(Unparsable) as refused:
        parse_jsonc(text)
    assert refused.value.line == line
