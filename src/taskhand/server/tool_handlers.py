"""MCP handlers for tools: list the offered tools, and call one."""

from dataclasses import dataclass, field
from typing import Any

from mcp.server import ServerRequestContext
from mcp.types import (
    CallToolRequestParams,
    CallToolResult,
    InputRequiredResult,
    ListToolsResult,
    PaginatedRequestParams,
)
from mcp.types import Tool as ListedTool

from taskhand.server.access import ServerContext
from taskhand.server.schemas.portable import Schema, output_names, output_schema
from taskhand.server.schemas.tool_schemas import ToolSchemas
from taskhand.server.tool import Tool

__all__ = ["ToolHandlers", "to_listed_tool"]


@dataclass(frozen=True, slots=True)
class ToolHandlers:
    """The tools that are offered on the connections, their input schemas narrowed to what the backends can express."""

    served: ServerContext
    _schemas: ToolSchemas = field(default_factory=ToolSchemas)

    async def list_tools(
        self, ctx: ServerRequestContext[Any, Any], _: PaginatedRequestParams | None
    ) -> ListToolsResult:
        """Every tool that the caller may use."""
        view = self.served.view(ctx)
        mine = view.connections
        tools = self.served.offered.shown_to(view.principal).tools if mine.by_name else ()
        offered = [tool for tool in tools if mine.are_several or not tool.only_with_several]
        schemas = self._schemas.list_schemas(offered, mine)
        notes = mine.first.backend.capabilities.notes if offered and not mine.are_several else None
        to_output = output_names if mine.are_several else output_schema
        shown = [to_listed_tool(tool, schemas[tool.name], notes, to_output(tool.answer)) for tool in offered]
        if self.served.shows_board(ctx):
            from taskhand.server.board.metadata import tool_metadata  # noqa: PLC0415  few clients show pages

            pairs = zip(shown, offered, strict=True)
            shown = [listed.model_copy(update={"meta": tool_metadata(tool)}) for listed, tool in pairs]
        return self.served.access.mark_freshness(ListToolsResult(tools=shown))

    async def call_tool(
        self, ctx: ServerRequestContext[Any, Any], params: CallToolRequestParams
    ) -> CallToolResult | InputRequiredResult:
        """The result of one call; every error is returned as a result that a model can act on.

        An error has no structured content: clients check that against the answer's schema, and some do so for errors
        too.
        """
        from taskhand.server.tool_calls import ToolCall  # noqa: PLC0415  no start waits for it

        view = self.served.view(ctx)
        result = await ToolCall(self.served, self._schemas, view, ctx, params).run()
        if isinstance(result, CallToolResult) and self.served.shows_board(ctx):
            from taskhand.server.board.metadata import answer_metadata  # noqa: PLC0415  few clients show pages

            return result.model_copy(update={"meta": answer_metadata(view)})
        return result


def to_listed_tool(
    tool: Tool[Any], schema: Schema, notes: str | None = None, output: Schema | None = None
) -> ListedTool:
    """The tool as a client lists it.

    `notes` are those on the tasks of the backend. `output` is the schema of the answer if it is not the usual one.
    """
    return ListedTool(
        name=tool.name,
        title=tool.title,
        description=f"{tool.description} {notes}" if notes and tool.shows_tasks else tool.description,
        input_schema=schema,
        output_schema=output or output_schema(tool.answer),
        annotations=tool.annotations,
    )
