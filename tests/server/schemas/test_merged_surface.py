"""The tool list of a server with several connections: within the budget, with the missing features of each."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from mcp import Client

from server.example_calls import names_a_task
from server.mixes import MIXED, mixes, open_mixed
from server.surface import BACKENDS, SNAPSHOTS, snapshot
from server.token_limits import INSTRUCTIONS_LIMIT, assert_within_limits
from server.vendor_rules import VENDORS, offences
from taskhand.config.connection_settings import ConnectionSettings
from taskhand.config.settings import Settings
from taskhand.domain.principal import Person
from taskhand.server.access import Access
from taskhand.server.app import create_server
from taskhand.server.in_process_client import list_tools
from taskhand.server.schemas.merged import merge_schemas
from taskhand.server.schemas.narrowed import CLAUSES, Clause, input_schema
from taskhand.server.tools import TOOLS
from taskhand.service.connections import Connections
from taskhand.wiring import open_connections

NOTHING_ELSE_TELLS = {tool.name for tool in TOOLS if not tool.run_everywhere and not names_a_task(tool.name)}
"""The tools that run on one connection, and are not given an id of it."""


@pytest.fixture
async def mixed(tmp_path: Path) -> AsyncIterator[Connections]:
    """The built-in store as north, Close as south, HubSpot as west."""
    async with open_mixed(tmp_path, *MIXED) as connections:
        yield connections


async def fields_of(connections: Connections, tool: str) -> dict[str, Any]:
    """The arguments of a tool as a host sees them."""
    found = {one["name"]: one["inputSchema"]["properties"] for one in await list_tools(connections)}
    fields: dict[str, Any] = found[tool]
    return fields


async def test_every_mix_of_backends_keeps_to_the_budget(tmp_path: Path) -> None:
    async with mixes(tmp_path) as every:
        for mix, connections in every:
            tools = await list_tools(connections)
            assert_within_limits(tools, mix)
            for app in connections:
                for tool in TOOLS:
                    own = input_schema(tool.arguments, app.backend.capabilities)
                    shown = next(one["inputSchema"] for one in tools if one["name"] == tool.name)
                    assert _left_out(own, shown) <= {"clear"}, (mix, tool.name)
                    assert {*shown.get("required", ())} <= {*own.get("required", ()), "connection"}


def _left_out(own: dict[str, Any], shown: dict[str, Any]) -> set[str]:
    """The fields, and the values of an enum, that a connection takes and the merged schema does not have."""
    found = set(own.get("properties", ())) - set(shown.get("properties", ()))
    for name in own.get("properties", {}).keys() & shown.get("properties", {}).keys():
        one, other = (_value(schema["properties"][name]) for schema in (own, shown))
        found |= _left_out(one, other)
        found |= set(one.get("enum", ())) - set(other.get("enum", one.get("enum", ())))
    return found


def _value(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a value besides null, or of an item of a list."""
    value: dict[str, Any] = schema.get("anyOf", [schema])[0]
    return value.get("items", value)  # type: ignore[no-any-return]  # parsed JSON


async def test_every_merged_tool_passes_to_each_vendor(mixed: Connections) -> None:
    for tool in await list_tools(mixed):
        schema = tool["inputSchema"]
        Draft202012Validator.check_schema(schema)
        Draft202012Validator.check_schema(tool["outputSchema"])
        assert not [one for rules in VENDORS.values() for one in offences(rules, tool["name"], schema)]
        assert set(schema.get("required", ())) <= schema["properties"].keys()


async def test_the_merged_list_equals_its_snapshot(mixed: Connections) -> None:
    shown = (SNAPSHOTS / "several" / "tools.json").read_text(encoding="utf-8")
    assert json.loads(shown) == await list_tools(mixed), "Look at it, then run `python tests/documents.py`."
    assert shown == snapshot(json.loads(shown))


async def test_connection_is_the_first_field_and_required_where_no_other_argument_implies_it(
    mixed: Connections,
) -> None:
    for tool in await list_tools(mixed):
        schema = tool["inputSchema"]
        if tool["name"] == "list_connections":
            assert schema["properties"] == {}
            continue
        assert next(iter(schema["properties"])) == "connection"
        assert schema["properties"]["connection"]["enum"] == ["north", "south", "west"]
        assert ("connection" in schema.get("required", ())) == (tool["name"] in NOTHING_ELSE_TELLS), tool["name"]


async def test_two_accounts_with_ids_of_one_form_are_distinguished_by_name(tmp_path: Path) -> None:
    async with open_mixed(tmp_path, "hubspot", "hubspot") as connections:
        tools = await list_tools(connections)
    assert not [tool["name"] for tool in tools if "Here:" in tool["description"]], "a note is about one connection"
    required = {tool["name"] for tool in tools if "connection" in _required_fields(tool)}
    assert required >= NOTHING_ELSE_TELLS | {"get_task", "update_task", "bulk_update_tasks", "delete_task"}
    assert not required & {"list_connections", "apply_plan", "undo_change", "list_changes", "list_events"}


def _required_fields(tool: dict[str, Any]) -> list[str]:
    required: list[str] = tool["inputSchema"].get("required", [])
    return required


async def test_the_connection_argument_describes_each_connection_in_the_usual_first_tools(mixed: Connections) -> None:
    for tool in ("list_tasks", "create_task"):
        described = (await fields_of(mixed, tool))["connection"]["description"]
        assert described.startswith(
            "north: the built-in store, The sales team in Santiago; south: Close, Support in Mexico City; west: HubSpot"
        )
    said = {one["name"]: one["inputSchema"]["properties"].get("connection", {}) for one in await list_tools(mixed)}
    for tool in ("get_task", "update_task", "complete_task", "reassign_task", "delete_task"):
        assert said[tool]["description"] == "The task's connection."
    assert said["bulk_update_tasks"]["description"] == "Needed with filter."
    assert said["create_tasks"]["description"] == "Beside tasks; see list_connections."
    for tool in NOTHING_ELSE_TELLS - {"create_task", "create_tasks"}:
        assert said[tool]["description"] == "See list_connections."


ALONE = {
    ("update_task", "priority"): "0 low (not south), 1 medium, 2 high.",
    ("update_task", "properties"): "Only on west.",
    ("create_task", "dealId"): "Only on west.",
    ("complete_task", "resolution"): "Only on south.",
    ("complete_task", "newStatusName"): "Finished status; needed only if several have type done; south: Completed.",
}
"""Arguments of tools that a host may load alone, of which another tool says more."""


async def test_an_argument_of_one_tool_names_the_connections_that_have_it(mixed: Connections) -> None:
    listed = {tool["name"]: tool["inputSchema"]["properties"] for tool in await list_tools(mixed)}
    assert {(tool, field): listed[tool][field].get("description") for tool, field in ALONE} == ALONE


LACKING = {
    ("list_tasks", "dealId"): "Deal by id or name; only on west.",
    ("create_task", "description"): "Free text; not on south.",
    ("create_task", "dueDate"): "required on west.",
    ("create_task", "aiCustomerId"): "required on south.",
    ("create_task", "priority"): "0 low (not south), 1 medium (if left out), 2 high.",
    ("create_task", "responsibleIds"): "[] leaves it unassigned (not south); exactly 1 on south; at most 1 on west.",
    ("create_task", "taskType"): "south: lead, outgoing_call; not on north.",
    ("update_task", "dueDate"): "null removes it (not west).",
    ("update_task", "addNote"): "Note on the lead (only south).",
    ("update_task", "newStatusName"): "south: Open, Completed.",
    ("update_task", "taskType"): "only on west.",
    ("list_tasks", "dateField"): "completed (not south).",
    ("list_tasks", "countBy"): "completedDay (not south).",
    ("list_tasks", "fields"): "completed (not south); completed_by (only north).",
    ("reassign_task", "mode"): "only on north.",
}
"""How the descriptions of these arguments end."""


async def test_the_description_of_a_field_names_the_connections_without_it(mixed: Connections) -> None:
    listed = {tool["name"]: tool["inputSchema"]["properties"] for tool in await list_tools(mixed)}
    found = {(tool, field): listed[tool][field]["description"] for tool, field in LACKING}
    assert {key: said for key, said in found.items() if not said.endswith(LACKING[key])} == {}


async def test_two_portals_of_one_crm_are_merged_by_value(tmp_path: Path) -> None:
    async with open_mixed(tmp_path, "hubspot", "hubspot") as connections:
        assert "north" not in json.dumps(
            [
                {name: node for name, node in tool["inputSchema"]["properties"].items() if name != "connection"}
                for tool in await list_tools(connections)
            ]
        )
        alone, both = (
            await fields_of(Connections.of(connections.first), "create_task"),
            await fields_of(connections, "create_task"),
        )
        assert both.keys() == {"connection", *alone}


async def test_each_argument_is_described_once(mixed: Connections) -> None:
    described = [
        (name, node["description"])
        for tool in await list_tools(mixed)
        for name, node in tool["inputSchema"]["properties"].items()
        if "description" in node and name not in ("connection", "priority")
    ]
    assert len(set(described)) == len(described)


async def test_list_connections_describes_each_connection_and_its_missing_features(mixed: Connections) -> None:
    async with Client(create_server(mixed)) as client:
        answer = (await client.call_tool("list_connections", {})).structured_content
    assert answer is not None
    north, south, west = answer["connections"]
    assert north == {
        "name": "north",
        "backend": "local",
        "description": "The sales team in Santiago",
        "lacks": ["no taskType", "no resolution", "no dealId", "no properties"],
    }
    assert (south["name"], south["backend"]) == ("south", "close")
    assert south["lacks"] == [
        *("no description", "no dealId", "no properties", "fixed once a task is created: aiCustomerId, taskType"),
        *("no priority 0", "no time completed", "exactly 1 responsible", "a new task needs aiCustomerId"),
        "due times keep no zone of their own",
    ]
    assert south["statuses"] == ["Open", "Completed"]
    assert south["note"] == "noti_... rows are CRM notifications"
    assert not {"description", "me", "note"} & west.keys()
    assert west["lacks"] == [
        *("no resolution", "at most 1 responsible", "a new task needs dueDate", "dueDate cannot be cleared"),
        "due times keep no zone of their own",
    ]


async def test_the_instructions_name_the_accounts_within_their_budget(mixed: Connections) -> None:
    async with Client(create_server(mixed), mode="legacy") as client:
        said = client.instructions or ""
    assert "3 CRM accounts: north (the built-in store), south (Close), west (HubSpot)." in said
    assert "`connection`" in said
    assert " or 'me'" in said, "one of them knows who it is"
    assert "without it list_tasks, list_changes and list_events look in all" in said
    assert len(said) / 4 <= INSTRUCTIONS_LIMIT


async def test_list_connections_shows_the_caller_as_the_file_or_the_settings_name_it(tmp_path: Path) -> None:
    settings: list[dict[str, Any]] = [
        {"chosen_backend": "local", "db": tmp_path / "north.sqlite", "user": "Marta Gil"},
        {"chosen_backend": "hubspot", **BACKENDS["hubspot"], "hubspot_user_id": "77"},
        {"chosen_backend": "close", **BACKENDS["close"]},
    ]
    named = zip(("north", "south", "west"), settings, strict=True)
    async with open_connections([ConnectionSettings(name, Settings(**one)) for name, one in named]) as connections:
        line = {"ana@x.test": {"south": "78"}}
        for person, shown in ((None, ["Marta Gil", "77", None]), (Person.parse("Ana@x.test"), [None, "78", None])):
            access = Access(person=person, memberships=lambda: line)
            async with Client(create_server(connections, access=access)) as client:
                answer = (await client.call_tool("list_connections", {})).structured_content or {}
            assert [one.get("me") for one in answer["connections"]] == shown


@pytest.mark.parametrize(
    ("bounds", "merged"),
    [
        (({"maxItems": 1}, {"maxItems": 1}), {"maxItems": 1}),
        (({"minItems": 1, "maxItems": 1}, {"minItems": 1, "maxItems": 5}), {"minItems": 1}),
        (({"minItems": 1}, {"minItems": 2}), {}),
        (({"maxItems": 1}, {}), {}),
        (({}, {"minItems": 1}), {}),
    ],
)
def test_a_bound_holds_for_all_connections_only_if_each_of_them_has_it(
    bounds: tuple[dict[str, int], dict[str, int]], merged: dict[str, int]
) -> None:
    lists = [{"type": "array", "items": {"type": "string"}, **bound} for bound in bounds]
    schemas = {name: {"properties": {"ids": of}} for name, of in zip(("north", "south"), lists, strict=True)}
    field = merge_schemas(schemas, ["ids"])["properties"]["ids"]
    assert {key: value for key, value in field.items() if key.endswith("Items")} == merged


@pytest.mark.parametrize(("values", "named"), [("abc", "a, b, c"), ("abcd", "a, b, c, 1 more")])
def test_the_first_three_values_of_a_connection_are_named_where_another_takes_any_text(values: str, named: str) -> None:
    kinds = {"north": {"type": "string"}, "south": {"type": "string", "enum": [*values]}}
    schemas = {name: {"properties": {"kind": kind}} for name, kind in kinds.items()}
    assert merge_schemas(schemas, ["kind"])["properties"]["kind"] == {
        "type": "string",
        CLAUSES: (Clause(f"south: {named}"),),
    }
