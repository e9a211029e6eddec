"""The policy file: its rules, and refused contents with the key, the file and the nearest valid word."""

import json
import os
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskhand.config.policy_file import PolicyFile, read_policy_file
from taskhand.domain.errors import OperatorError
from taskhand.domain.policy import NO_POLICY, Rules
from taskhand.server.offered_tools import select_names
from taskhand.server.tools import TOOLS

CONNECTIONS = ("north", "south")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the policy file of this test is."""
    return tmp_path / "policy.toml"


def read_policy(file: Path, text: str | bytes | None = None, mode: int = 0o600) -> PolicyFile:
    """The policy of a file with this text."""
    if text is not None:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        file.chmod(mode)
    return read_policy_file(
        file,
        must_exist=text is not None,
        connections=CONNECTIONS,
        select_tools=lambda chosen, called: select_names(TOOLS, chosen, called),
    )


POLICY = """
[everyone]
most_tasks = 20
tools = "read"

[groups.sales]
people = [" Ana@Example.com ", "ben@example.com"]
connections = [" North "]
own_tasks_only = true
tools = ["all", "-delete_task"]

[groups."lead office"]
people = ["ben@example.com", "head"]
own_tasks_only = false
sees_all_changes = true
own_credential = ["North"]

[people."Ben@example.com"]
second_person = true
most_tasks = 5
own_credential = true
"""


def test_a_person_has_the_own_rule_then_that_of_the_first_group_then_that_for_everyone(file: Path) -> None:
    policy = read_policy(file, POLICY).policy
    assert policy.rules_for() == Rules(tools="read", most_tasks=20)
    assert policy.rules_for("stranger@example.com") == policy.rules_for()
    sales = Rules(frozenset({"north"}), "all,-delete_task", own_tasks_only=True, most_tasks=20)
    assert policy.rules_for("ana@example.com") == sales
    ben = replace(sales, most_tasks=5, second_person=True, sees_all_changes=True, own_credential=True)
    assert policy.rules_for("ben@example.com") == ben
    assert policy.rules_for("head") == Rules(
        tools="read", most_tasks=20, sees_all_changes=True, own_credential=frozenset({"north"})
    )


def test_a_missing_policy_file_allows_everything_unless_the_settings_name_it(file: Path) -> None:
    assert read_policy(file) == PolicyFile(file, NO_POLICY, exists=False)
    assert read_policy(file, "").policy.rules_for("ana@example.com") == Rules()
    with pytest.raises(OperatorError, match="is not there"):
        read_policy_file(file / "below", must_exist=True, connections=(), select_tools=lambda *_: ())


@pytest.mark.skipif(os.name == "nt", reason="modes are of POSIX")
@pytest.mark.parametrize(("mode", "is_open"), [(0o600, False), (0o644, False), (0o664, True), (0o646, True)])
def test_a_file_that_others_may_write_is_known(file: Path, mode: int, is_open: bool) -> None:  # noqa: FBT001
    assert read_policy(file, POLICY, mode).writable_by_others is is_open


WRONG = {
    "not TOML": ("[everyone", "is not TOML", None),
    "a person without quotes": ("[people.ana@x.test]\n", "is not TOML", None),
    "a number without end": (f"[everyone]\nmost_tasks = {'9' * 5_000}", "is not TOML: ", None),
    "tables without end": (f"everyone = {'[' * 100_000}", "is not TOML: it is nested too deeply", None),
    "not UTF-8": (b"# caf\xe9", "is not UTF-8", None),
    "unknown table": ('[group.a]\npeople = ["a"]', "unknown keys: group (perhaps groups)", "groups"),
    "a rule outside": ("most_tasks = 3", "unknown keys: most_tasks (perhaps everyone.most_tasks)", None),
    "a typo": ("[everyone]\nown_task_only = true", "(perhaps everyone.own_tasks_only)", "everyone.own_tasks_only"),
    "camel case": ("[everyone]\nmostTasks = 3", "(perhaps everyone.most_tasks)", "everyone.most_tasks"),
    "a typo of a person's": ('[people."a@x"]\ntool = "read"', '(perhaps people."a@x".tools)', None),
    "people of everyone": ('[everyone]\npeople = ["a"]', "unknown keys: everyone.people", None),
    "an id without quotes": ("[people.ana.soto]\nmost_tasks = 3", "unknown keys: people.ana.soto", None),
    "several": ("[everyone]\na = 1\nb = 2", "unknown keys: everyone.a, everyone.b", None),
    "no table": ("everyone = 3", "everyone in {file} is 3; it must be a table", None),
    "a list of groups": ("[[groups]]\n", "groups in {file} is a list; it must be a table", None),
    "no table of a group": ("[groups]\nsales = true", "groups.sales in {file} is true; it must be a table", None),
    "nobody in a group": ("[groups.a]\nmost_tasks = 1", "groups.a in {file} has no people", None),
    "people as text": ('[groups.a]\npeople = "a"', "groups.a.people in {file} is a text; it must be a list", None),
    "people as numbers": ("[groups.a]\npeople = [1]", "groups.a.people in {file} is a list; it must be a list", None),
    "several people in one text": (
        '[groups.a]\npeople = ["a@x, b@x"]',
        "names 'a@x, b@x', which is not a person",
        None,
    ),
    "a blank person": ('[people." "]\nmost_tasks = 1', "people in {file} names ' ', which is not a person", None),
    "a hidden character": ('[people."a\\u200b@x"]\nmost_tasks = 1', "which is not a person", None),
    "a person twice": (
        '[people."A@x"]\nmost_tasks = 1\n[people."a@X"]\nmost_tasks = 2',
        'people."a@X" in {file} appears twice',
        None,
    ),
    "an unknown connection": (
        '[everyone]\nconnections = ["nroth"]',
        "everyone.connections in {file} names 'nroth', which is not a connection",
        "north",
    ),
    "connections as text": ('[everyone]\nconnections = "north"', "is a text; it must be a list of texts", None),
    "an unknown tool": (
        '[groups."a b"]\npeople = []\ntools = "delete_tasks"',
        "groups.\"a b\".tools in {file} names 'delete_tasks', which is not a tool",
        "delete_task",
    ),
    "an unknown tool in a list": ('[everyone]\ntools = ["read", "-mail"]', "names 'mail', which is not a tool", "read"),
    "no tool left": ('[everyone]\ntools = "-all"', "everyone.tools in {file} allows no tool", None),
    "no tools": ("[everyone]\ntools = []", "everyone.tools in {file} allows no tool", None),
    "blank tools": ('[everyone]\ntools = " , "', "everyone.tools in {file} allows no tool", None),
    "tools as a number": ("[everyone]\ntools = 3", "everyone.tools in {file} is 3; it must be", None),
    "no tasks": ("[everyone]\nmost_tasks = 0", "everyone.most_tasks in {file} is 0; it must be a whole number", None),
    "tasks as a switch": ("[everyone]\nmost_tasks = true", "everyone.most_tasks in {file} is true", None),
    "tasks as text": ('[everyone]\nmost_tasks = "5"', "everyone.most_tasks in {file} is a text", None),
    "half a task": ("[everyone]\nmost_tasks = 1.5", "everyone.most_tasks in {file} is 1.5", None),
    "a switch as text": ('[everyone]\nsecond_person = "yes"', "is a text; it must be true or false", None),
    "a switch as a number": ("[everyone]\nown_tasks_only = 1", "is 1; it must be true or false", None),
    "own credentials as a text": (
        '[everyone]\nown_credential = "north"',
        "everyone.own_credential in {file} is a text; it must be true, false or a list of connections",
        None,
    ),
    "own credentials for no connection": (
        '[everyone]\nown_credential = ["nowhere"]',
        "names 'nowhere', which is not a connection",
        "north",
    ),
    "a switch as a date": ("[everyone]\nown_tasks_only = 2026-01-01", "is a date or time; it must be", None),
}


@pytest.mark.parametrize(("text", "message", "near"), WRONG.values(), ids=WRONG)
def test_an_invalid_policy_file_is_refused_with_its_path_and_suggestions(
    file: Path, text: str | bytes, message: str, near: str | None
) -> None:
    with pytest.raises(OperatorError) as refused:
        read_policy(file, text)
    told = refused.value
    assert str(file) in told.message
    assert message.format(file=file) in told.message
    assert near is None or near in [one.value for one in told.candidates]


names = st.sampled_from(["everyone", "groups", "people", *(rule.name for rule in fields(Rules)), "x", "ana@x.test", ""])
scalars = st.sampled_from([0, 1, -3, 1.5, True, False, "", "read", "-all", "north", "ana@x.test", "\u200b", "a, b"])
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=3))


def to_toml(value: object) -> str:
    """A value as TOML has it in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {to_toml(one)}" for key, one in value.items()) + "}"
    return f"[{', '.join(map(to_toml, value))}]" if isinstance(value, list) else json.dumps(value)


@settings(max_examples=50)
@given(content=st.dictionaries(names, values, max_size=3))
def test_any_file_is_a_policy_or_is_refused_by_the_name_of_the_file(
    tmp_path_factory: pytest.TempPathFactory, content: dict[str, object]
) -> None:
    file = tmp_path_factory.getbasetemp() / "policy.toml"
    try:
        found = read_policy(file, "\n".join(f"{json.dumps(key)} = {to_toml(value)}" for key, value in content.items()))
    except OperatorError as error:
        assert str(file) in error.message  # noqa: PT017  some of these files are good
    else:
        assert isinstance(found.policy.rules_for("ana@x.test"), Rules)
