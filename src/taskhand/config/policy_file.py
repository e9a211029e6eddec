"""The policy file, `policy.toml`: the rules for everyone, for the people of a group, and for a person.

    [everyone]
    most_tasks = 20

    [groups.sales]
    people = ["ana@example.com", "ben@example.com"]
    own_tasks_only = true

    [people."ana@example.com"]
    tools = ["all", "-delete_task"]

The keys are the fields of `Rules`.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from taskhand.config.toml_file import TomlFile, describe_kind, quoted_key, read_toml_file
from taskhand.domain.errors import Candidate, OperatorError
from taskhand.domain.person_id import flaw_of_person
from taskhand.domain.policy import NO_POLICY, Group, Policy, Rules
from taskhand.domain.principal import Person

__all__ = ["PolicyFile", "read_policy_file"]

_RULES: Final = tuple(rule.name for rule in fields(Rules))
_SWITCHES: Final = frozenset({"own_tasks_only", "second_person", "sees_all_changes"})
_TABLES: Final = ("everyone", "groups", "people")

SelectTools = Callable[[str, str], Collection[str]]
"""Returns the names of the tools that a text selects; OperatorError names the setting by the second argument."""


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """The policy in the file at `path`; `exists` and `writable_by_others` as of a TomlFile."""

    path: Path
    policy: Policy = NO_POLICY
    exists: bool = True
    writable_by_others: bool = False


def read_policy_file(
    path: Path, *, must_exist: bool, connections: Collection[str], select_tools: SelectTools
) -> PolicyFile:
    """Read the policy.

    OperatorError names the key and the file of an invalid entry. `connections` are the names of all connections. A
    missing file allows everything, unless it `must_exist`.
    """
    file = read_toml_file(path, "policy file", "TASKHAND_POLICY", must_exist=must_exist)
    policy = _PolicyReader(file, connections, select_tools).read()
    return PolicyFile(path, policy, file.exists, file.writable_by_others)


@dataclass(frozen=True, slots=True)
class _PolicyReader:
    """Reads the policy of one file."""

    file: TomlFile
    connections: Collection[str]
    select_tools: SelectTools

    def read(self) -> Policy:
        """The policy."""
        content = self.file.content
        everyone = self._table(content, "everyone")
        groups, people = self._tables(content, "groups"), self._tables(content, "people")
        self._check_keys(everyone, groups, people)
        return Policy(
            self._rules("everyone", everyone),
            {name: self._group(_key("groups", name), table) for name, table in groups.items()},
            self._people(people),
        )

    def _table(self, content: Mapping[str, Any], name: str, called: str | None = None) -> Mapping[str, Any]:
        table = content.get(name, {})
        if not isinstance(table, dict):
            raise self._value_error(called or name, table, "a table")
        return table

    def _tables(self, content: Mapping[str, Any], name: str) -> Mapping[str, Mapping[str, Any]]:
        whole = self._table(content, name)
        return {key: self._table(whole, key, _key(name, key)) for key in whole}

    def _check_keys(
        self, everyone: Mapping[str, Any], groups: Mapping[str, Mapping[str, Any]], people: Mapping[str, Any]
    ) -> None:
        """OperatorError that names every unknown key."""
        unknown: dict[str, str | None] = {key: _near_table(key) for key in self.file.content if key not in _TABLES}
        unknown |= _unknown_in("everyone", everyone, _RULES)
        for name, table in groups.items():
            unknown |= _unknown_in(_key("groups", name), table, (*_RULES, "people"))
        for name, table in people.items():
            unknown |= _unknown_in(_key("people", name), table, _RULES)
        if not unknown:
            return
        named = [f"{key[:100]}{f' (perhaps {near})' if near else ''}" for key, near in unknown.items()]
        raise OperatorError(
            f"The policy file {self.file.path} has unknown keys: {', '.join(named)}.",
            candidates=[Candidate(near) for near in unknown.values() if near],
            next_step='Correct or remove them. The tables are [everyone], [groups.NAME] and [people."ID"], in quotes; '
            f"the rules are {', '.join(_RULES)}.",
        )

    def _group(self, called: str, table: Mapping[str, Any]) -> Group:
        if "people" not in table:
            raise OperatorError(
                f"{called} in {self.file.path} has no people.",
                next_step='Add people = ["ana@example.com"] to it; people = [] if only tokens name its members.',
            )
        people = frozenset(
            self._person(text, f"{called}.people") for text in self._texts(f"{called}.people", table["people"])
        )
        return Group(people, self._rules(called, {name: value for name, value in table.items() if name != "people"}))

    def _people(self, tables: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
        """The rules of persons, by id; OperatorError for a person with two tables."""
        people: dict[str, Mapping[str, Any]] = {}
        for name, table in tables.items():
            called = _key("people", name)
            person = self._person(name, "people")
            if person in people:
                raise OperatorError(
                    f"{called} in {self.file.path} appears twice: upper and lower case are the same.",
                    next_step="Write the rules of a person into one table.",
                )
            people[person] = self._rules(called, table)
        return people

    def _person(self, text: str, called: str) -> str:
        if (flaw := flaw_of_person(text.strip())) is None:
            return Person.parse(text).id
        raise OperatorError(
            f"{called} in {self.file.path} names {text[:60]!r}, which is not a person: {flaw}.",
            next_step="Write one e-mail address or id for each person, as in keys and TASKHAND_PERSON.",
        )

    def _rules(self, table: str, rules: Mapping[str, Any]) -> dict[str, Any]:
        """The rules that a table sets, by the field of Rules."""
        return {name: self._rule(f"{table}.{name}", name, value) for name, value in rules.items()}

    def _rule(self, called: str, name: str, value: object) -> object:
        if name in _SWITCHES:
            if not isinstance(value, bool):
                raise self._value_error(called, value, "true or false")
            return value
        if name == "most_tasks":
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise self._value_error(called, value, "a whole number from 1")
            return value
        if name == "own_credential" and not isinstance(value, list):
            if not isinstance(value, bool):
                raise self._value_error(called, value, "true, false or a list of connections")
            return value
        if name in {"connections", "own_credential"}:
            return frozenset(self._connection(text, called) for text in self._texts(called, value))
        if name == "tools":
            return self._tools(called, value)
        raise AssertionError(f"{name} is a rule that no policy file can set")

    def _connection(self, text: str, called: str) -> str:
        """The name of a connection in its usual spelling."""
        names = {connection.casefold(): connection for connection in self.connections}
        if (name := text.strip().casefold()) in names:
            return names[name]
        near = [names[match] for match in get_close_matches(name, names, n=3)] or list(names.values())
        raise OperatorError(
            f"{called} in {self.file.path} names {text[:60]!r}, which is not a connection.",
            candidates=[Candidate(near_name) for near_name in near],
            next_step=f"Use one of: {', '.join(near)}.",
        )

    def _tools(self, called: str, value: object) -> str:
        """The selection of tools, checked; an empty text would select all of them."""
        text = value if isinstance(value, str) else ",".join(self._texts(called, value))
        setting = f"{called} in {self.file.path}"
        if not text.replace(",", "").strip() or not self.select_tools(text, setting):
            raise OperatorError(
                f"{setting} allows no tool.",
                next_step="Name the tools that are allowed, such as read; leave the key out to allow all.",
            )
        return text

    def _texts(self, called: str, value: object) -> list[str]:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._value_error(called, value, "a list of texts")
        return value

    def _value_error(self, called: str, value: object, expected: str) -> OperatorError:
        return OperatorError(f"{called} in {self.file.path} is {describe_kind(value)}; it must be {expected}.")


def _key(table: str, name: str) -> str:
    """A key below a table, in quotes if TOML needs them."""
    return f"{table}.{quoted_key(name)}"


def _unknown_in(table: str, values: Mapping[str, Any], known_keys: Collection[str]) -> Iterator[tuple[str, str | None]]:
    """The unknown keys of a table, each with a similar known key."""
    for name in values:
        if name not in known_keys:
            near = get_close_matches(_to_file_key(name), known_keys, n=1)
            yield _key(table, name), f"{table}.{near[0]}" if near else None


def _near_table(name: str) -> str | None:
    """The probable meaning of an unknown top-level key."""
    if _to_file_key(name) in _RULES:
        return f"everyone.{_to_file_key(name)}"
    return next(iter(get_close_matches(_to_file_key(name), _TABLES, n=1)), None)


def _to_file_key(name: str) -> str:
    """A name in the spelling of the file's keys: own_tasks_only for ownTasksOnly and own-tasks-only."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|[-\s]", "_", name).lower()
