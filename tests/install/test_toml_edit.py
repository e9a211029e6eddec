"""A host's file in TOML changed in one place: what is put in is there, and what is around it is as it was."""

import tomllib
from typing import Any

import pytest
from hypothesis import given

from install.jsonc_texts import is_subsequence
from install.toml_texts import toml_texts
from taskhand.install.file_format import ArrayItem, Unparsable, Unsuitable
from taskhand.install.toml_edit import find_comments, find_leaves, find_value, put_value, remove_value

PATH = ("mcp_servers", "taskhand")
ENTRY = {"command": "/opt/p", "args": ["-m", "taskhand"], "env": {"A": 'q"\\ñ\x7f'}}


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


@given(toml_texts())
def test_a_put_entry_is_found_and_every_other_line_is_unchanged(text: str) -> None:
    if find_value(text, PATH):
        return
    new = put_value(text, PATH, ENTRY)
    assert find_value(new, PATH) == ENTRY
    assert is_subsequence(_lines(text), _lines(new))
    assert ("\r\n" in new) == ("\r\n" in text) or "\n" not in text
    assert _lines(remove_value(new, PATH)) == _lines(text)


@given(toml_texts())
def test_fields_are_changed_one_at_a_time_and_comments_between_them_stay(text: str) -> None:
    new = text
    for path, value in {(*PATH, "command"): "new", (*PATH, "n"): 1, (*PATH, "env", "B"): "2"}.items():
        new = put_value(new, path, value)
        assert find_value(new, path) == value
        assert put_value(new, path, value) == new
    assert len(find_comments(new)) == len(find_comments(text))
    changed = [line for line in _lines(text) if not line.strip().startswith('command = "old"')]
    assert is_subsequence(changed, _lines(new))


@given(toml_texts())
def test_any_table_can_be_removed_and_all_else_is_unchanged(text: str) -> None:
    for name in tomllib.loads(text):
        new = remove_value(text, (name,))
        assert find_value(new, (name,)) is None
        assert is_subsequence(_lines(new), _lines(text))


@given(toml_texts())
def test_every_string_is_found_at_its_place(text: str) -> None:
    for leaf in find_leaves(text):
        written = text[leaf.start : leaf.end]
        read = tomllib.loads(f"x = {written}")["x"]
        assert read == leaf.value or read != read  # noqa: PLR0124  nan
        assert written == written.strip(), "the blanks before a comment are not the value's"


WRITTEN: dict[str, tuple[str, str]] = {
    "nothing": ("", '[mcp_servers.taskhand]\nx = 1\n\n[mcp_servers.taskhand.env]\nA = "1"\n'),
    "no_line_end": (
        'model = "o"',
        'model = "o"\n\n[mcp_servers.taskhand]\nx = 1\n\n[mcp_servers.taskhand.env]\nA = "1"\n',
    ),
    "an_array_of_tables_at_the_end": (
        "[[a]]\r\nb = 1\r\n",
        '[[a]]\r\nb = 1\r\n\r\n[mcp_servers.taskhand]\r\nx = 1\r\n\r\n[mcp_servers.taskhand.env]\r\nA = "1"\r\n',
    ),
    "servers_in_braces": (
        "mcp_servers = { gh = { url = 'u' } } # all\n",
        "mcp_servers = { gh = { url = 'u' }, taskhand = { x = 1, env = { A = \"1\" } } } # all\n",
    ),
    "empty_braces": ("mcp_servers = {}\n", 'mcp_servers = { taskhand = { x = 1, env = { A = "1" } } }\n'),
    "a_head_of_their_own": (
        "[mcp_servers]\n# none\n\n[other]\n",
        '[mcp_servers]\n# none\n\n[mcp_servers.taskhand]\nx = 1\n\n[mcp_servers.taskhand.env]\nA = "1"\n\n[other]\n',
    ),
}


@pytest.mark.parametrize(("old", "new"), WRITTEN.values(), ids=WRITTEN)
def test_an_entry_is_written_where_it_can_stand(old: str, new: str) -> None:
    assert put_value(old, PATH, {"x": 1, "env": {"A": "1"}}) == new


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a = 1\n\n", "a = 1\n\n[mcp_servers.taskhand]\nx = 1\n"),
        ("[mcp_servers]\n# none\n\n[b]\n", "[mcp_servers]\n# none\n\n[mcp_servers.taskhand]\nx = 1\n\n[b]\n"),
        ("[mcp_servers]\n[b]\n", "[mcp_servers]\n\n[mcp_servers.taskhand]\nx = 1\n\n[b]\n"),
    ],
)
def test_one_blank_line_parts_a_new_table_from_its_neighbours_whatever_ends_a_line(old: str, new: str) -> None:
    for end in ("\n", "\r\n"):
        assert put_value(old.replace("\n", end), PATH, {"x": 1}) == new.replace("\n", end)


def test_a_new_name_is_written_after_the_others_of_its_table() -> None:
    for before in (
        "[mcp_servers.taskhand]\nx = 1\n  y = 2\n",
        "mcp_servers.taskhand.x = 1\n  mcp_servers.taskhand.y = 2\n",
    ):
        dotted = "" if before.startswith("[") else "mcp_servers.taskhand."
        assert put_value(f"{before}\n[b]\n", (*PATH, "z"), 3) == f"{before}  {dotted}z = 3\n\n[b]\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[a]\nx = 1\n\n[mcp_servers.taskhand]\ny = 1\n", "[a]\nx = 1\n"),
        ("[a]\nx = 1\n\n[mcp_servers.taskhand]\ny = 1\n\n[b]\n", "[a]\nx = 1\n\n[b]\n"),
        ("[a]\nx = 1\n\n[mcp_servers.taskhand]\ny = 1 # mine\n\n[b]\n", "[a]\nx = 1\n\n[b]\n"),
        ("[mcp_servers.taskhand]\ny = 1\n", ""),
        ("a = 1\n\n[mcp_servers.taskhand]\ny = 1\n# b\n[b]\n", "a = 1\n\n# b\n[b]\n"),
    ],
)
def test_a_table_is_removed_with_one_of_the_blank_lines_around_it(old: str, new: str) -> None:
    for end in ("\n", "\r\n"):
        assert remove_value(old.replace("\n", end), PATH) == new.replace("\n", end)


PRESENT = {
    "a_table": ('[mcp_servers.taskhand]\nx = 1 # one\n# two\n\n[mcp_servers.taskhand.env]\nA = "1"\n', True),
    "variables_in_braces": ("[mcp_servers.taskhand]\nx = 1\nenv = { A = '1' }\n\n# next\n[b]\n", True),
    "in_the_table_of_all": ("[mcp_servers]\ntaskhand = { x = 1 }\ngh = {}\n", True),
    "all_in_braces": ("mcp_servers = { gh = {}, taskhand = { x = 1, env = { A = '1' } } }\n", True),
    "alone_in_braces": ("mcp_servers = { taskhand = { x = 1 } }\nb = 2\n", True),
    "first_in_braces": ("mcp_servers = { taskhand = { x = 1, env = { A = '1' } }, gh = { x = 2 } }\n", True),
    "between_others_in_braces": ("mcp_servers = { a = {}, taskhand = { x = 1 }, gh = { x = 2 } }\n", True),
    "dotted": ("[mcp_servers]\ntaskhand.x = 1\ntaskhand.env.A = '1'\ngh.x = 2\n", True),
    "dotted_from_the_root": ("mcp_servers.taskhand.x = 1 # one\nb = 2\n", True),
    "only_its_variables": ("[mcp_servers.taskhand.env]\nA = '1'\n", True),
    "a_dotted_name_in_braces": ("[mcp_servers]\ntaskhand = { x = 1, env.A = '1' }\n", False),
}


def _others(text: str) -> dict[str, Any]:
    """What a file has besides our entry."""
    whole = tomllib.loads(text)
    servers = {name: entry for name, entry in whole.pop("mcp_servers", {}).items() if name != PATH[1]}
    return whole | ({"mcp_servers": servers} if servers else {})


@pytest.mark.parametrize(("text", "fits"), PRESENT.values(), ids=PRESENT)
def test_a_present_entry_is_changed_in_whatever_form_it_has(text: str, fits: bool) -> None:  # noqa: FBT001
    new = put_value(text, (*PATH, "x"), 2)
    assert find_value(new, (*PATH, "x")) == 2
    if fits:
        new = put_value(put_value(new, (*PATH, "env", "B"), "3"), (*PATH, "limit"), 4)
        assert find_value(new, (*PATH, "env", "B")) == "3"
        without = remove_value(new, (*PATH, "env", "B"))
        assert [find_value(without, (*PATH, *at)) for at in (("env", "B"), ("x",), ("limit",))] == [None, 2, 4]
    else:
        with pytest.raises(Unsuitable, match="dotted name"):
            put_value(new, (*PATH, "env", "B"), "3")
    assert len(find_comments(new)) == len(find_comments(text))
    assert not fits or find_value(put_value(new, PATH, ENTRY), PATH) == ENTRY
    gone = remove_value(new, PATH)
    assert "taskhand" not in gone
    assert _others(gone) == _others(text)
    assert ("# next\n[b]" in gone) == ("# next\n[b]" in text)


@pytest.mark.parametrize(
    "text", ["mcp_servers = 1", "[[mcp_servers]]", "mcp_servers = []", "[mcp_servers]\ntaskhand = 'x'"]
)
def test_a_file_of_another_shape_is_refused(text: str) -> None:
    with pytest.raises(Unsuitable):
        put_value(text, (*PATH, "x"), 1)


def test_items_of_arrays_are_not_edited() -> None:
    with pytest.raises(Unsuitable):
        find_value("", ("inputs", ArrayItem("id", "x")))


@pytest.mark.parametrize(
    ("text", "line"), [("a = 1\nb = \n", 2), ("[a]\n[a]\n", 2), ("a = 1\n[b", 2), ("x = " + "[" * 100_000, 1)]
)
def test_invalid_toml_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(Unparsable) as refused:
        put_value(text, PATH, ENTRY)
    assert refused.value.line == line


def test_the_value_of_a_server_without_one_is_none() -> None:
    found: Any = find_value("[mcp_servers.gh]\n", PATH)
    assert found is None
