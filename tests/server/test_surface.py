"""The tool list: within its budget, in schemas that every provider accepts."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from server.surface import BACKENDS, SNAPSHOTS, capabilities_of, snapshot, tools_of
from server.token_limits import INSTRUCTIONS_LIMIT, assert_within_limits
from taskhand.domain.capabilities import Capabilities
from taskhand.server.app import INSTRUCTIONS
from taskhand.server.schemas.narrowed import input_schema
from taskhand.server.tools import TOOLS


def _nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """Every schema inside a schema; names of properties are not keywords."""
    yield schema
    children = [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]
    children += [schema["items"]] if "items" in schema else []
    for child in children:
        yield from _nodes(child)


def _value(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a value that is not null."""
    value: dict[str, Any] = schema.get("anyOf", [schema])[0]
    return value


@pytest.fixture(scope="module", params=BACKENDS)
def tools(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """The tools on each backend, narrowed to what it can express."""
    return tools_of(**BACKENDS[request.param])


def test_every_listed_tool_equals_its_snapshot() -> None:
    assert {tool["name"]: snapshot(tool) for tool in tools_of()} == {
        file.stem: file.read_text(encoding="utf-8") for file in SNAPSHOTS.glob("*.json")
    }, "The surface changed: look at it, then run `python tests/documents.py`."


def test_the_tools_stay_within_their_budget(tools: list[dict[str, Any]]) -> None:
    assert_within_limits(tools, "one connection")
    assert len(INSTRUCTIONS) / 4 <= INSTRUCTIONS_LIMIT


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_every_tool_states_title_hints_and_schemas(tool: Any, tools: list[dict[str, Any]]) -> None:
    listed = next(other for other in tools if other["name"] == tool.name)
    assert listed["title"]
    assert listed["description"]
    assert set(listed["annotations"]) == {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"}
    for schema in (listed["inputSchema"], listed["outputSchema"]):
        Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object"
        assert schema["properties"] or schema is listed["inputSchema"]


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_every_argument_is_described_once(tool: Any, tools: list[dict[str, Any]]) -> None:
    listed = next(other for other in tools if other["name"] == tool.name)
    described = [node["description"] for node in _nodes(listed["inputSchema"]) if "description" in node]
    assert len(described) == len(listed["inputSchema"]["properties"])
    assert len(set(described)) == len(described)


def test_list_changes_filters_by_every_tool_that_writes_and_lists_none(tools: list[dict[str, Any]]) -> None:
    [list_changes] = [tool for tool in TOOLS if tool.name == "list_changes"]
    checked = input_schema(list_changes.arguments, Capabilities())["properties"]["tool"]
    assert _value(checked)["enum"] == [tool.name for tool in TOOLS if tool.writes]
    [shown] = [tool["inputSchema"]["properties"]["tool"] for tool in tools if tool["name"] == "list_changes"]
    assert shown == {"description": "Only by this tool.", "type": "string"}


def test_no_argument_is_repeated_in_a_header(tools: list[dict[str, Any]]) -> None:
    assert "x-mcp-header" not in json.dumps(tools), "create_server says that no schema has headers to compare"


def test_tool_names_are_plain_and_unique(tools: list[dict[str, Any]]) -> None:
    names = [tool["name"] for tool in tools]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() and name.islower() for name in names)


def test_the_quality_score_has_no_warning(store_file: Path) -> None:
    command = f"{sys.executable} -m taskhand --db {store_file}"
    linted = subprocess.run(  # noqa: S603  our own command
        [Path(sys.executable).parent / "tdqs", "lint", "--command", command, "--fail-on", "warning"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert linted.returncode == 0, linted.stdout
    assert "0 errors, 0 warnings, 0 notes" in linted.stdout


@pytest.mark.parametrize("backend", BACKENDS)
def test_fields_that_a_backend_lacks_are_left_out_of_its_schemas(backend: str) -> None:
    can = capabilities_of(backend)
    offered = tools_of(**BACKENDS[backend])
    tools = {tool["name"]: tool["inputSchema"] for tool in offered}
    texts = [str(tool["description"]) for tool in offered]
    texts += [str(node.get("description")) for schema in tools.values() for node in schema["properties"].values()]
    assert "description" not in can.absent or not any(
        "description" in text.replace("no description", "") for text in texts
    )
    create, update = tools["create_task"], tools["update_task"]
    assert not can.absent & {*create["properties"], *update["properties"]}
    assert not can.absent_on_update & update["properties"].keys()
    assert can.required_on_create <= set(create["required"])
    assert not any("anyOf" in update["properties"][name] for name in can.not_clearable & update["properties"].keys())
    assert _value(update["properties"]["priority"])["enum"] == list(can.priorities)
    assert {meaning[0] for meaning in update["properties"]["priority"]["description"].split(", ")} == {*can.priorities}
    assert ("mode" in tools["reassign_task"]["properties"]) == (can.most_responsibles > 1)
    for tool in (create, update, tools["reassign_task"]):
        people = tool["properties"]["responsibleIds"]
        assert not can.least_responsibles or "[]" not in people["description"]
        people = _value(people)
        assert people.get("minItems", 0) == can.least_responsibles
        assert people.get("maxItems", 50) == can.most_responsibles
