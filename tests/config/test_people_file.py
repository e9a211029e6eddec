"""The people file: the members of each person, and refused contents."""

import re
from pathlib import Path

import pytest

from documents import ROOT
from taskhand.config.people_file import PeopleFile, read_people_file
from taskhand.domain.errors import OperatorError

SEVERAL, ONE = ("north", "south"), ("default",)


def read_members(folder: Path, text: str, connections: tuple[str, ...] = SEVERAL) -> dict[str, dict[str, str]]:
    """The members that this text names."""
    path = folder / "people.toml"
    path.write_text(text, encoding="utf-8")
    found = read_people_file(path, must_exist=True, connections=connections)
    return {person: dict(members) for person, members in found.members.items()}


def test_a_table_for_each_person_has_a_member_for_each_connection(tmp_path: Path) -> None:
    text = '["Ana@x.test"]\nNorth = 12345\nsouth = " Ana Pérez "\n[gil]\nsouth = "gil@x.test"\n["nobody@x.test"]\n'
    assert read_members(tmp_path, text) == {
        "ana@x.test": {"north": "12345", "south": "Ana Pérez"},
        "gil": {"south": "gil@x.test"},
        "nobody@x.test": {},
    }


@pytest.mark.parametrize("key", ["member", "default", "Member"])
def test_the_only_connection_needs_no_name(tmp_path: Path, key: str) -> None:
    assert read_members(tmp_path, f'[gil]\n{key} = "7"\n', ONE) == {"gil": {"member": "7"}}


def test_a_connection_may_have_the_name_of_a_rule(tmp_path: Path) -> None:
    assert read_members(tmp_path, '[gil]\ntools = "7"\n', ("tools", "south")) == {"gil": {"tools": "7"}}


def test_a_missing_file_names_nobody_unless_it_was_named(tmp_path: Path) -> None:
    path = tmp_path / "people.toml"
    found = read_people_file(path, must_exist=False, connections=ONE)
    assert (found.members, found.exists) == ({}, False)
    with pytest.raises(OperatorError, match="is not there"):
        read_people_file(path, must_exist=True, connections=ONE)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('north = "7"', r'north in .*people\.toml is a text; it must be the table of a person, such as \["ana@'),
        ('["a b"]\nnorth = "7"', r"people\.toml names 'a b', which is not a person"),
        ('[""]\nnorth = "7"', "which is not a person"),
        ('["a@x.test"]\n["A@x.test"]', r'"A@x\.test" in .* appears twice'),
        ('[a]\nnort = "7"', r"a\.nort in .*people\.toml names no connection. Use one of: north"),
        ('[a]\nmember = "7"', "does not say in which of 2 connections. Use one of: north, south"),
        ('[a]\nnorth = "7"\nNORTH = "8"', r"a\.NORTH in .* is a second member"),
        ("[a]\nnorth = true", r"a\.north in .* is true; it must be the id, e-mail or name of a member"),
        ("[a]\nnorth = [1]", "is a list; it must be"),
        ("[a]\nnorth = 1.5", r"is 1\.5; it must be"),
        ('[a]\nnorth = " "', "is empty; it must be"),
        (
            '[people."a@x.test"]\nnorth = "7"',
            r'\[people\."a@x\.test"\] in .* a table.* Write a person as \["a@x\.test"\],',
        ),
        ('["a@x.test"]\ntools = "read"', r'"a@x\.test"\.tools in .* is a rule\. Rules are in policy\.toml'),
        ("[a", "is not TOML"),
    ],
)
def test_an_invalid_people_file_is_refused_with_its_path_and_the_faulty_key(
    tmp_path: Path, text: str, told: str
) -> None:
    with pytest.raises(OperatorError) as refused:
        read_members(tmp_path, text)
    error = refused.value
    assert str(tmp_path / "people.toml") in error.message
    assert re.search(told, f"{error.message} {error.next_step}"), error


def test_a_people_file_is_narrowed_to_the_members_of_one_connection() -> None:
    members = {"ana": {"north": "1", "south": "2"}, "ben": {"south": "3"}}
    file = PeopleFile(Path("people.toml"), members, writable_by_others=True)
    assert file.of_connection("north") == PeopleFile(
        Path("people.toml"), {"ana": {"north": "1"}}, writable_by_others=True
    )


def test_two_members_for_the_only_connection_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="second member"):
        read_members(tmp_path, '[a]\nmember = "7"\ndefault = "8"\n', ONE)


def test_the_example_is_that_of_the_documents_and_can_be_used(tmp_path: Path) -> None:
    example = (ROOT / "examples" / "team" / "people.toml").read_text(encoding="utf-8")
    assert example.partition("\n\n")[2] in (ROOT / "docs" / "team.md").read_text(encoding="utf-8")
    assert read_members(tmp_path, example)["ana@example.com"] == {"north": "12345", "south": "Ana Pérez"}


@pytest.mark.parametrize(
    ("members", "sentences"),
    [
        ({"ana@x.test": {"north": "1"}, "ben@x.test": {"north": "2"}}, []),
        (
            {"ana@x.test": {"north": "Ana"}, "ben@x.test": {"north": "ANA"}},
            ["ana@x.test and ben@x.test are one member of north."],
        ),
        ({"ana@x.test": {"north": "1"}, "ben@x.test": {"south": "1"}}, []),
        ({"boss": {"member": "ana@x.test"}, "ana@x.test": {}}, ["boss and ana@x.test are one member."]),
        (
            {"a": {"north": "1"}, "b": {"north": "1", "south": "2"}, "c": {"north": "1", "south": "2"}},
            ["a and b and c are one member of north.", "b and c are one member of south."],
        ),
    ],
)
def test_a_member_that_several_persons_share_is_named(members: dict[str, dict[str, str]], sentences: list[str]) -> None:
    file = PeopleFile(Path("people.toml"), members)
    assert sorted(file.shared_members()) == [f"people.toml says that {sentence}" for sentence in sentences]
