"""The README agrees with the code: its generated parts, its guarantees, its version."""

import json
import re
import tomllib

from documents import ROOT, stale
from server.surface import capabilities_of
from server.token_limits import CORE, WITH_OUTPUT
from taskhand import __version__
from taskhand.server.schemas.narrowed import input_schema
from taskhand.server.tools.update_task import UPDATE_TASK

README = (ROOT / "README.md").read_text(encoding="utf-8")
REGISTRY = json.loads((ROOT / "server.json").read_text(encoding="utf-8"))


def test_generated_files_are_up_to_date() -> None:
    assert [file.name for file in stale()] == []


def test_every_guarantee_names_an_existing_test() -> None:
    _, section = README.split("## Guarantees\n")
    rows = re.findall(r"^\| ([^`|]+) \| (.+) \|$", section.split("\n## ")[0], re.MULTILINE)[1:]
    named = [re.fullmatch(r"`(tests/[\w/]+\.py)::(\w+)`", cell) for promise, cell in rows if promise != "---"]
    assert len(named) >= 10
    for match in named:
        assert match is not None
        file, test = match.groups()
        assert re.search(rf"def {test}\(", (ROOT / file).read_text(encoding="utf-8")), f"{file}::{test}"


def test_the_limits_of_the_tool_list_are_those_that_the_tests_hold() -> None:
    limits = re.findall(r"at most ([\d,]+) tokens,(?: or)? ([\d,]+) with", README)
    assert limits == [(f"{CORE:,}", f"{WITH_OUTPUT:,}")] * 2


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == REGISTRY["version"] == REGISTRY["packages"][0]["version"] == __version__


def test_the_registry_entry_and_the_readme_have_the_same_name() -> None:
    assert f"mcp-name: {REGISTRY['name']}" in README
    assert len(REGISTRY["description"]) <= 100


def test_the_table_of_backends_says_which_links_of_a_task_can_change() -> None:
    header, cells = (
        [cell.strip() for cell in line.strip("|").split("|")[1:]]
        for line in README.splitlines()
        if line.startswith(("| | local", "| contact and customer can change"))
    )
    for backend, cell in zip(header, cells, strict=True):
        taken = input_schema(UPDATE_TASK.arguments, capabilities_of(backend))["properties"].keys()
        links = {"aiContactId": "contact", "aiCustomerId": "customer"}
        changing = [link for name, link in links.items() if name in taken]
        assert cell == {2: "yes", 1: f"{' '.join(changing)} only", 0: "no"}[len(changing)], backend
