"""The input schemas of the tools: of each connection, and of a server with all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from taskhand.domain.capabilities import Capabilities
from taskhand.server.schemas.narrowed import input_schema, join_clauses, schema_in_clauses, shorten_schema
from taskhand.server.schemas.portable import Schema, model_fields
from taskhand.server.tool import Tool
from taskhand.service.app_context import AppContext
from taskhand.service.connections import Connections

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["ToolSchemas"]

_Set = tuple[tuple[str, Capabilities], ...]
"""The connections of a caller, with their capabilities: `me` is known for some persons only."""


@dataclass(frozen=True, slots=True)
class ToolSchemas:
    """The arguments of the tools, narrowed to what the backends can express."""

    _of_sets: dict[tuple[str, _Set], Schema] = field(default_factory=dict)
    _of_lists: dict[tuple[tuple[str, ...], _Set], Mapping[str, Schema]] = field(default_factory=dict)

    def of(self, tool: Tool[Any], app: AppContext) -> Schema:
        """The schema of a call to one connection, without the argument `connection`."""
        return input_schema(tool.arguments, app.backend.capabilities)

    def of_all(self, tool: Tool[Any], connections: Connections) -> Schema:
        """The schema of a call to all connections: every field that one of them has."""
        key = (tool.name, _set_of(connections))
        if key not in self._of_sets:
            self._of_sets[key] = join_clauses(_merge(tool.arguments, connections))
        return self._of_sets[key]

    def list_schemas(self, tools: Sequence[Tool[Any]], connections: Connections) -> Mapping[str, Schema]:
        """The schemas that a client is shown, by tool; with several connections they have the argument `connection`."""
        if not connections.are_several:
            return {tool.name: shorten_schema(tool, self.of(tool, connections.first)) for tool in tools}
        key = (tuple(tool.name for tool in tools), _set_of(connections))
        if key not in self._of_lists:
            from taskhand.server.schemas.shortened import shorten_schemas  # noqa: PLC0415  few servers have several

            merged = {tool.name: _merge(tool.arguments, connections) for tool in tools}
            self._of_lists[key] = shorten_schemas(tools, merged, connections)
        return self._of_lists[key]


def _merge(model: "type[BaseModel]", connections: Connections) -> Schema:
    """The schema of a call to all connections, its descriptions in clauses."""
    from taskhand.server.schemas.merged import merge_schemas  # noqa: PLC0415  few servers have several

    schemas = {name: schema_in_clauses(model, app.backend.capabilities) for name, app in connections.by_name.items()}
    return merge_schemas(schemas, model_fields(model))


def _set_of(connections: Connections) -> _Set:
    return tuple((name, app.backend.capabilities) for name, app in connections.by_name.items())
