"""The MCP server: the tools on a desk, ready for any transport."""

from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools import Tool as SdkTool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp.types import (
    CallToolResult,
    Completion,
    CompletionArgument,
    CompletionContext,
    InputRequiredResult,
    PromptReference,
    ResourceTemplateReference,
    ToolAnnotations,
)
from pydantic import ConfigDict

from taskhand import __version__
from taskhand.backend import Capabilities
from taskhand.server import boundary
from taskhand.server.instructions import instructions
from taskhand.server.schema import input_schema, output_schema
from taskhand.server.selection import Offer, offer
from taskhand.server.tool import Kind, Tool
from taskhand.server.tools import TOOLS
from taskhand.service.complete_name import complete_name
from taskhand.service.desk import Desk

__all__ = ["INSTRUCTIONS", "create_server"]

INSTRUCTIONS = instructions([tool.name for tool in TOOLS], [tool.name for tool in TOOLS if tool.kind != "read"])
"""What a host is told where all tools are offered."""


def create_server(desk: Desk) -> MCPServer[Any]:
    """A server with the tools that are offered on `desk`, their schemas narrowed to what its backend can express.

    OperatorError where no such offer can be made.
    """
    capabilities = desk.backend.capabilities
    offered = offer(TOOLS, desk.terms.tools, only_reads=desk.terms.only_reads)
    server = _Server(
        name="taskhand",
        title="Taskhand",
        version=__version__,
        instructions=instructions(offered.names, offered.writing),
        log_level="WARNING",
        tools=[_registered(tool, desk, capabilities) for tool in offered.tools],
    )
    server.offer = offered

    @server.completion()  # type: ignore[no-untyped-call, untyped-decorator]  # the SDK leaves this decorator untyped
    async def complete(
        _ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        _context: CompletionContext | None,
    ) -> Completion:
        return Completion(values=list(await complete_name(desk, argument.name, argument.value)))

    return server


class _Server(MCPServer[Any]):
    """The SDK's server, but for a tool that it does not offer: that is refused like anything else."""

    offer: Offer

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        if (error := self.offer.refusal(name)) is not None:
            return boundary.refused(name, error)
        return await super().call_tool(name, arguments, context)


class _Sent(ArgModelBase):
    """Arguments as they were sent: the SDK hands them on unchecked, the boundary understands them."""

    model_config = ConfigDict(extra="allow")

    def model_dump_one_level(self) -> dict[str, Any]:
        return {"sent": dict(self.model_extra or {})}


def _registered(tool: Tool[Any], desk: Desk, capabilities: Capabilities) -> SdkTool:
    """The tool as the SDK lists and calls it."""
    schema = input_schema(tool.arguments, capabilities)

    async def call(sent: dict[str, Any], context: Context[Any, Any]) -> CallToolResult | InputRequiredResult:
        return await boundary.call(tool, schema, desk, sent, context)

    return SdkTool(
        fn=call,
        name=tool.name,
        title=tool.title,
        description=tool.description,
        parameters=schema,
        fn_metadata=FuncMetadata(arg_model=_Sent, output_schema=output_schema(tool.answer)),
        is_async=True,
        context_kwarg="context",
        annotations=_annotations(tool.kind),
    )


def _annotations(kind: Kind) -> ToolAnnotations:
    """All four hints stated: a host that finds one missing assumes the worst."""
    return ToolAnnotations(
        read_only_hint=kind == "read",
        destructive_hint=kind == "destroy",
        idempotent_hint=kind not in {"create", "repeat"},
        open_world_hint=False,
    )
