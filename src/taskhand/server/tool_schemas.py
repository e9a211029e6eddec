"""The input schemas of the tools: of each connection, and of a server with all of them."""

from dataclasses import dataclass, field
from typing import Any

from taskhand.server.schema import Schema, input_schema
from taskhand.server.tool import Tool
from taskhand.service.app_context import AppContext
from taskhand.service.connections import Connections

__all__ = ["ToolSchemas"]


@dataclass(frozen=True, slots=True)
class ToolSchemas:
    """What the tools take, narrowed to what backends can express."""

    _of_sets: dict[tuple[str, tuple[str | None, ...]], Schema] = field(default_factory=dict)

    def of(self, tool: Tool[Any], app: AppContext) -> Schema:
        """The schema of a call to one connection, without the argument that names it."""
        return input_schema(tool.arguments, app.backend.capabilities)

    def listed(self, tool: Tool[Any], connections: Connections) -> Schema:
        """The schema that a client is shown, with the argument that names the connection where there are several."""
        if not connections.are_several:
            return self.of(tool, connections.first)
        key = (tool.name, connections.names)
        if key not in self._of_sets:
            self._of_sets[key] = _merge([self.of(tool, app) for app in connections], connections)
        return self._of_sets[key]


def _merge(schemas: list[Schema], connections: Connections) -> Schema:
    """One schema for all the connections: every field that one of them has."""
    from taskhand.server.connection_argument import CONNECTION  # noqa: PLC0415  few servers have several

    properties: Schema = {CONNECTION: {"type": "string", "enum": list(connections.names)}}
    for schema in reversed(schemas):
        properties = schema["properties"] | properties
    first = schemas[0]
    required = [name for name in first.get("required", ()) if all(name in one.get("required", ()) for one in schemas)]
    return {"type": "object", "properties": properties} | ({"required": required} if required else {})
