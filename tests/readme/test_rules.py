"""The policies of docs/team.md and of the examples are such as the server takes, and the page has every rule."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from documents import ROOT
from taskhand.config.policy_file import PolicyFile, read_policy_file
from taskhand.domain.policy import Rules
from taskhand.server.offered_tools import select_names
from taskhand.server.tools import TOOLS

PAGE = (ROOT / "docs" / "team.md").read_text(encoding="utf-8").partition("## Rules")[2].partition("\n## ")[0]
EXAMPLE = ROOT / "examples" / "team" / "policy.toml"


def read(file: Path) -> PolicyFile:
    def select(chosen: str, called: str) -> frozenset[str]:
        return select_names(TOOLS, chosen, called)

    return read_policy_file(file, must_exist=True, connections=(), select_tools=select)


def test_the_policy_of_the_example_gives_each_person_the_rules_that_it_says() -> None:
    policy = read(EXAMPLE).policy
    ben = Rules(tools="all,-delete_task", own_tasks_only=True, most_tasks=5)
    assert policy.rules_for("ben@example.com") == ben
    assert policy.rules_for("cora@example.com").second_person
    assert policy.rules_for() == Rules(tools="read", most_tasks=20)


@pytest.mark.parametrize("text", re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL))
def test_a_policy_of_the_page_can_be_used(text: str, tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(text, encoding="utf-8")
    assert read(file).policy.rules_for("ben@example.com").most_tasks == 5


def test_the_page_has_every_rule() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == [rule.name for rule in fields(Rules)]
