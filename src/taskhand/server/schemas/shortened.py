"""The schemas that a client is shown if there are several connections; each argument is described once; pure.

The tool list has the same budget as with one connection. An argument that an earlier tool describes in the same words
has no description, and the fields of an object are described only by the tool that its description names. A call is
checked by the complete schema of its connection.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

from taskhand.server.arguments.connection import (
    CONNECTION,
    describe_connection,
    needs_connection,
)
from taskhand.server.schemas.narrowed import CLAUSES, Clause, join_clauses
from taskhand.server.schemas.portable import Schema
from taskhand.server.tool import Tool
from taskhand.service.connections import Connections

__all__ = ["shorten_schemas"]

_VALUES_ELSEWHERE: Final = frozenset({"outcome", "kinds"})
"""The arguments whose values are also in the tool's answer."""
_RARE: Final = frozenset({"idProperty", "addNote"})


def shorten_schemas(
    tools: Sequence[Tool[Any]], merged: Mapping[str, Schema], connections: Connections
) -> dict[str, Schema]:
    """The schemas of the tools by name, each with the argument `connection` first.

    `merged` are the schemas of all connections by tool, their descriptions in clauses.
    """
    described: set[tuple[str, tuple[Clause, ...]]] = set()
    names = {tool.name for tool in tools}
    listed: dict[str, Schema] = {}
    for tool in tools:
        schema = merged[tool.name] if tool.only_with_several else _with_connection(tool, merged[tool.name], connections)
        properties: Schema = {}
        for name, node in schema["properties"].items():
            if tool.kind == "create" and name == "clear":
                continue  # a new task has nothing to empty
            description = (name, node.get(CLAUSES, ()))
            is_repeated = description in described and name != CONNECTION
            properties[name] = _shorten(name, _shorten_repeated(name, node) if is_repeated else node, names, tool)
            described.add(description)
        listed[tool.name] = join_clauses(schema | {"properties": properties})
    return listed


def _shorten_repeated(name: str, node: Schema) -> Schema:
    """An argument that an earlier tool describes: only what is needed if a host loads this tool alone.

    That is what single values mean, which a model cannot guess, and which connections have the argument.
    """
    clauses: tuple[Clause, ...] = node.get(CLAUSES, ())
    if any(clause.topic == "value" for clause in clauses):
        return node
    kept = () if name in _RARE else tuple(clause for clause in clauses if clause.topic == "connections")
    return node | {CLAUSES: tuple(clause._replace(text=clause.text.capitalize()) for clause in kept)}


def _with_connection(tool: Tool[Any], schema: Schema, connections: Connections) -> Schema:
    names = {"type": "string", "enum": [*connections.names]}
    text = describe_connection(tool, connections)
    described = {CLAUSES: (Clause(text),)} if text else {}
    required = [*([CONNECTION] if needs_connection(tool, connections) else []), *schema.get("required", ())]
    properties = {CONNECTION: described | names} | schema["properties"]
    return {"type": "object", "properties": properties} | ({"required": required} if required else {})


def _shorten(name: str, node: Schema, tools: AbstractSet[str], tool: Tool[Any]) -> Schema:
    """The argument without values that are tool names or in its description, and without null if "" means the same."""
    if "properties" in node:
        return node | {
            "properties": {
                name: _shorten_field(name, field_schema) for name, field_schema in node["properties"].items()
            }
        }
    if name == CONNECTION:
        return node
    if name in _VALUES_ELSEWHERE and "items" in node:
        return node | {"items": {"type": "string"}}
    if "properties" in node.get("items", ()):
        return node | {"items": _shorten(name, node["items"], tools, tool)}
    clauses: tuple[Clause, ...] = node.get(CLAUSES, ())
    topics = {clause.topic for clause in clauses}
    value = node["anyOf"][0] if "anyOf" in node else node
    values = {*value.get("enum", ())}
    shortened = {CLAUSES: clauses, "type": "string"}
    if tools & values or name in _VALUES_ELSEWHERE or not topics.isdisjoint(("value", "values")):
        return shortened
    is_text = value.keys() - {CLAUSES} == {"type"} and value["type"] == "string"
    return shortened if is_text and (tool.kind == "create" or "null" not in topics) else node


def _shorten_field(name: str, node: Schema) -> Schema:
    """A field of a body, without the values that the describing tool lists."""
    value = node["anyOf"][0] if "anyOf" in node else node
    if value["type"] == "string":
        return {"type": "string"}
    return value if value["type"] == "array" and name != "responsibleIds" else node
