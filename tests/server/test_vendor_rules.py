"""The tools of every backend pass as they are to OpenAI, Gemini and Claude."""

from typing import Any

import jsonschema
import pytest

from server.surface import BACKENDS, tools_of
from server.vendor_rules import VENDORS, offences, to_strict


@pytest.fixture(scope="module", params=BACKENDS)
def tools(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """The tools on each backend."""
    return tools_of(**BACKENDS[request.param])


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_tool_keeps_to_the_published_rules(vendor: str, tools: list[dict[str, Any]]) -> None:
    found = {tool["name"]: offences(VENDORS[vendor], tool["name"], tool["inputSchema"]) for tool in tools}
    assert {name: offence for name, offence in found.items() if offence} == {}, VENDORS[vendor].page


def test_a_host_that_must_send_every_argument_can_leave_each_field_unchanged(tools: list[dict[str, Any]]) -> None:
    schema = next(tool["inputSchema"] for tool in tools if tool["name"] == "update_task")
    unsaid: dict[str, Any] = dict.fromkeys(schema["properties"]) | {"clear": [], "title": "", "reason": ""}
    if schema["properties"].get("dueDate", {}).get("type") == "string":
        unsaid["dueDate"] = ""  # HubSpot's date cannot be emptied
    if "properties" in schema["properties"]:
        unsaid |= {"properties": [], "idProperty": ""}
    jsonschema.validate(unsaid | {"id": "x", "dryRun": False}, to_strict(schema))


BROKEN: list[tuple[str, dict[str, Any]]] = [
    ("claude", {"type": "object", "properties": {}, "anyOf": []}),
    ("claude", {"type": "object", "properties": {"due date": {"type": "string"}}}),
    ("claude", {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}}),
    ("gemini, parameters", {"type": "object", "properties": {}, "additionalProperties": False}),
    ("openai strict", {"type": "object", "properties": {"a": {"type": "string", "minLength": 1}}}),
    ("openai strict", {"type": "object", "properties": {}, "additionalProperties": True}),
    ("gemini, parametersJsonSchema", {"type": "object", "properties": {"a": {"type": ["string", "null"]}}}),
    ("gemini, parametersJsonSchema", {"type": "object", "properties": {"a": {"type": "integer", "enum": [1]}}}),
    ("gemini, parameters", {"type": "object", "properties": {"a": {"type": "string", "const": "x"}}}),
    ("openai", {"type": "object", "properties": {"a": {"type": "array", "items": {}}}}),
    ("openai", {"type": "array"}),
]


@pytest.mark.parametrize(("vendor", "schema"), BROKEN)
def test_a_schema_that_breaks_a_rule_is_found(vendor: str, schema: dict[str, Any]) -> None:
    assert offences(VENDORS[vendor], "tool", schema)
    assert offences(VENDORS[vendor], "a tool", {"type": "object", "properties": {}, "additionalProperties": False})
