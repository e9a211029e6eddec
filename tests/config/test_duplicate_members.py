"""Persons of the people file who are entered as the same member."""

from pathlib import Path

import pytest

from taskhand.config.duplicate_members import describe_duplicates
from taskhand.config.people_file import PeopleFile


@pytest.mark.parametrize(
    ("members", "told"),
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
def test_a_member_that_several_persons_share_is_named(members: dict[str, dict[str, str]], told: list[str]) -> None:
    file = PeopleFile(Path("people.toml"), members)
    assert sorted(describe_duplicates(file)) == [f"people.toml says that {one}" for one in told]
