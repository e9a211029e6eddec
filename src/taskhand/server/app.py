"""The MCP server: tools, prompts and resources on an app context, ready for any transport."""

from collections.abc import Sequence
from typing import Any

from mcp.server import MCPServer
from mcp.server.caching import CacheableMethod, CacheHint
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools import Tool as SdkTool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CallToolResult,
    Completion,
    CompletionArgument,
    CompletionContext,
    GetPromptResult,
    InputRequiredResult,
    PromptReference,
    ResourceTemplateReference,
    ToolAnnotations,
)
from pydantic import ConfigDict

from taskhand import __version__
from taskhand.domain.capabilities import Capabilities
from taskhand.domain.deadline import call_deadline
from taskhand.domain.errors import TaskhandError
from taskhand.server import boundary
from taskhand.server import prompt_handlers as prompting
from taskhand.server import resource_handlers as reading
from taskhand.server.instructions import instructions
from taskhand.server.prompt import Prompt
from taskhand.server.refusal import sentence
from taskhand.server.schema import input_schema, output_schema
from taskhand.server.selection import Offer, offer
from taskhand.server.tool import Kind, Tool
from taskhand.server.tools import TOOLS
from taskhand.service.app_context import AppContext
from taskhand.service.complete_name import complete_name

__all__ = ["INSTRUCTIONS", "create_server"]

INSTRUCTIONS = instructions([tool.name for tool in TOOLS], [tool.name for tool in TOOLS if tool.kind != "read"])
"""What a host is told where all tools are offered."""

_MOST_COMPLETIONS = 20

_LISTS: tuple[CacheableMethod, ...] = ("tools/list", "prompts/list", "resources/list", "resources/templates/list")
_UNCHANGING = CacheHint(ttl_ms=600_000)
"""A list stays what it is while the server runs; the time is how long a new version may go unseen."""


def create_server(app: AppContext) -> MCPServer[Any]:
    """A server with all that is offered on `app`, the tools' schemas narrowed to what its backend can express.

    OperatorError where no such offer can be made.
    """
    capabilities = app.backend.capabilities
    offered = offer(TOOLS, app.policy.tools, only_reads=app.policy.only_reads)
    server = _Server(
        name="taskhand",
        title="Taskhand",
        version=__version__,
        instructions=instructions(offered.names, offered.writing),
        log_level="WARNING",
        tools=[_registered(tool, app, capabilities, offered) for tool in offered.tools],
        cache_hints=dict.fromkeys(_LISTS, _UNCHANGING),
    )
    server.offer = offered
    server.prompts = prompting.offered(offered.names)
    for prompt in server.prompts:
        server.add_prompt(prompting.registered(prompt, app))
    for resource in reading.offered(offered.names):
        reading.register(server, resource, app)

    @server.completion()  # type: ignore[no-untyped-call, untyped-decorator]  # the SDK leaves this decorator untyped
    async def complete(
        _ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion:
        taken = (context.arguments or {}).values() if context else ()
        try:
            with call_deadline():
                names = await complete_name(app, argument.name, argument.value, taken)
        except TaskhandError as error:
            raise MCPError(INTERNAL_ERROR, sentence(error)) from None
        shown = list(names[:_MOST_COMPLETIONS])
        return Completion(values=shown, total=len(names), has_more=len(shown) < len(names))

    return server


class _Server(MCPServer[Any]):
    """The SDK's server, but for a tool or prompt that it does not offer: that is refused like anything else."""

    offer: Offer
    prompts: Sequence[Prompt]

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        if (error := self.offer.refusal(name)) is not None:
            return boundary.refused(name, error)
        return await super().call_tool(name, arguments, context)

    async def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None, context: Context[Any, Any] | None = None
    ) -> GetPromptResult | InputRequiredResult:
        if (error := prompting.refusal(self.prompts, name, arguments or {})) is not None:
            raise MCPError(INVALID_PARAMS, sentence(error))
        return await super().get_prompt(name, arguments, context)


class _Sent(ArgModelBase):
    """Arguments as they were sent: the SDK hands them on unchecked, the boundary understands them."""

    model_config = ConfigDict(extra="allow")

    def model_dump_one_level(self) -> dict[str, Any]:
        return {"sent": dict(self.model_extra or {})}


def _registered(tool: Tool[Any], app: AppContext, capabilities: Capabilities, offered: Offer) -> SdkTool:
    """The tool as the SDK lists and calls it."""
    schema = input_schema(tool.arguments, capabilities)

    async def call(sent: dict[str, Any], context: Context[Any, Any]) -> CallToolResult | InputRequiredResult:
        return await boundary.call(tool, schema, app, sent, context, offers=offered.refusal)

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
