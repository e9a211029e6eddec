"""The people file, `people.toml`: the member of each person in each connection, by id, e-mail or name.

    ["ana@example.com"]
    north = "12345"
    south = "Ana Pérez"

A file for a single connection may use `member` as its name. A person without an entry for a connection is the member
with the person's e-mail address there.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from taskhand.config.toml_file import TomlFile, describe_kind, quoted_key, read_toml_file
from taskhand.domain.errors import Candidate, OperatorError
from taskhand.domain.person_id import flaw_of_person
from taskhand.domain.policy import Rules
from taskhand.domain.principal import MEMBER, Person

__all__ = ["PeopleFile", "read_people_file"]

_RULES: Final = frozenset(rule.name for rule in fields(Rules))
_EXAMPLE: Final = '["ana@example.com"]'


@dataclass(frozen=True, slots=True)
class PeopleFile:
    """The member of each person, by the person's id and the connection's name (MEMBER for the only one).

    `exists` and `writable_by_others` as of a TomlFile.
    """

    path: Path
    members: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    exists: bool = True
    writable_by_others: bool = False

    def of_connection(self, name: str) -> "PeopleFile":
        """The members of the only connection that is served."""
        members = {person: {name: lines[name]} for person, lines in self.members.items() if name in lines}
        return replace(self, members=members)

    def shared_members(self) -> tuple[str, ...]:
        """A sentence for each member that several persons share: one could approve for the other as a second person."""
        persons: dict[tuple[str, str], list[str]] = defaultdict(list)
        connections = {name for lines in self.members.values() for name in lines}
        for person, lines in self.members.items():
            for name in connections:
                persons[name, lines.get(name, person).casefold()].append(person)
        return tuple(
            f"{self.path} says that {' and '.join(several)} are one member"
            + (f" of {name}." if name != MEMBER else ".")
            for (name, _), several in persons.items()
            if len(several) > 1
        )


def read_people_file(path: Path, *, must_exist: bool, connections: Collection[str]) -> PeopleFile:
    """Read the file.

    OperatorError names the key and the file of an invalid entry. `connections` are the names of all connections. A
    missing file is empty, unless it `must_exist`.
    """
    file = read_toml_file(path, "people file", "TASKHAND_PEOPLE", must_exist=must_exist)
    return PeopleFile(path, _PeopleReader(file, connections).read(), file.exists, file.writable_by_others)


@dataclass(frozen=True, slots=True)
class _PeopleReader:
    """Reads the members of one file."""

    file: TomlFile
    connections: Collection[str]

    def read(self) -> dict[str, Mapping[str, str]]:
        """The members of each person."""
        people: dict[str, Mapping[str, str]] = {}
        for name, table in self.file.content.items():
            if not isinstance(table, dict):
                raise self._value_error(quoted_key(name), table, f"the table of a person, such as {_EXAMPLE}")
            if (flaw := flaw_of_person(name.strip())) is not None:
                raise OperatorError(
                    f"{self.file.path} names {name[:60]!r}, which is not a person: {flaw}.",
                    next_step=f"Write one e-mail address or id for each person, in quotes: {_EXAMPLE}.",
                )
            person = Person.parse(name).id
            if person in people:
                raise OperatorError(
                    f"{quoted_key(name)} in {self.file.path} appears twice: upper and lower case are the same.",
                    next_step="Write the members of a person into one table.",
                )
            people[person] = self._members(name, table)
        return people

    def _members(self, person: str, table: Mapping[str, object]) -> dict[str, str]:
        members: dict[str, str] = {}
        self._check_form(person, table)
        for key, value in table.items():
            called = f"{quoted_key(person)}.{quoted_key(key)}"
            connection = self._connection(key, called)
            if connection in members:
                raise OperatorError(
                    f"{called} in {self.file.path} is a second member of one connection.",
                    next_step="Remove one of them.",
                )
            members[connection] = self._text(value, called)
        return members

    def _check_form(self, name: str, table: Mapping[str, object]) -> None:
        """OperatorError for a table of policy.toml: with persons in it, or with rules."""
        for key, value in table.items():
            if isinstance(value, dict):
                raise OperatorError(
                    f"[{quoted_key(name)}.{quoted_key(key)}] in {self.file.path} is a table in a table.",
                    next_step=f"Write a person as [{json.dumps(key, ensure_ascii=False)}], and below it the name of a "
                    'connection and a member: north = "12345". [people."ID"] is for policy.toml.',
                )
            if key in _RULES and key not in self.connections:
                raise OperatorError(
                    f"{quoted_key(name)}.{key} in {self.file.path} is a rule.",
                    next_step="Rules are in policy.toml; here a person has the names of connections, with a member.",
                )

    def _connection(self, key: str, called: str) -> str:
        """The name of a connection in calls."""
        names = {connection.casefold(): connection for connection in self.connections}
        name = key.strip().casefold()
        is_only = len(names) == 1
        if name in names or (is_only and name == MEMBER):
            return MEMBER if is_only else names[name]
        near = [names[match] for match in get_close_matches(name, names, n=3)] or list(names.values())
        several = f"does not say in which of {len(names)} connections" if name == MEMBER else "names no connection"
        raise OperatorError(
            f"{called} in {self.file.path} {several}.",
            candidates=[Candidate(near_name) for near_name in near],
            next_step=f"Use one of: {', '.join(near)}.",
        )

    def _text(self, value: object, called: str) -> str:
        """The member as text; an id may be written as a number."""
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if isinstance(value, str) and value.strip():
            return value.strip()
        raise self._value_error(called, value, "the id, e-mail or name of a member")

    def _value_error(self, called: str, value: object, expected: str) -> OperatorError:
        is_empty = isinstance(value, str) and not value.strip()
        return OperatorError(
            f"{called} in {self.file.path} is {'empty' if is_empty else describe_kind(value)}; it must be {expected}."
        )
