"""The MCP server: tools, prompts and resources on an app context, ready for any transport."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from mcp.server import NotificationOptions, Server, ServerRequestContext
from mcp.server.caching import CacheableMethod, CacheHint
from mcp.server.context import CallNext, HandlerResult, ServerMiddleware
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.types import ServerCapabilities

from taskhand import __version__
from taskhand.domain.errors import OperatorError
from taskhand.server.access import EVERYONE, PAGE_TYPE, PAGES, Access, ServerContext
from taskhand.server.instructions import OPENINGS, instructions, instructions_for
from taskhand.server.late_handlers import LateHandlers
from taskhand.server.offered_tools import choose_tools
from taskhand.server.refusal_log import log_protocol_errors
from taskhand.server.stringified_arguments import parse_stringified_arguments
from taskhand.server.subscriptions import TaskSubscriptions
from taskhand.server.tool_handlers import ToolHandlers
from taskhand.server.tools import TOOLS, tool_table
from taskhand.service.app_context import AppContext
from taskhand.service.connections import Connections

if TYPE_CHECKING:
    from taskhand.call.observers import CallObserver
    from taskhand.domain.link_offer import LinkOffers

__all__ = ["INSTRUCTIONS", "TaskhandServer", "create_not_configured_server", "create_server"]

INSTRUCTIONS = instructions(TOOLS)
"""The instructions of a server that offers every tool."""

_NAME: Final = "taskhand"
_TITLE: Final = "Taskhand"
_LISTS: tuple[CacheableMethod, ...] = ("tools/list", "prompts/list", "resources/list", "resources/templates/list")
_CONSTANT_LIST = CacheHint(ttl_ms=600_000)
"""The cache hint of lists that no policy can change; a client may miss a new version of the server for this long."""


class TaskhandServer(Server[Any]):
    """A server with constant lists of tools, prompts and resources.

    `served` are the connections and their callers, None until they are known. `subscriptions` are those to tasks.
    """

    served: ServerContext | None = None
    subscriptions: TaskSubscriptions | None = None

    def end_subscriptions(self) -> None:
        """End the streams of subscriptions of the newer era, each with its result, and the polling for changes."""
        if self.subscriptions is not None:
            self.subscriptions.end_streams()
            for app in self.subscriptions.connections:
                app.end_demand()

    def get_capabilities(
        self,
        notification_options: NotificationOptions | None = None,
        experimental_capabilities: dict[str, dict[str, Any]] | None = None,
        extensions: dict[str, dict[str, Any]] | None = None,
        *,
        protocol_version: str | None = None,
    ) -> ServerCapabilities:
        """The capabilities; for a server with subscriptions the SDK announces changes of every list."""
        promised = super().get_capabilities(
            notification_options, experimental_capabilities, extensions, protocol_version=protocol_version
        )
        for lists in (promised.tools, promised.prompts, promised.resources):
            if lists is not None:
                lists.list_changed = False
        return promised


def create_server(
    served: AppContext | Connections,
    *,
    access: Access = EVERYONE,
    state_keys: Sequence[str] = (),
    keeps_sessions: bool = True,
    remark: str | None = None,
    observer: "CallObserver | None" = None,
    makes_spans: bool = True,
    offers: "LinkOffers | None" = None,
) -> TaskhandServer:
    """A server with every tool, prompt and resource that is offered on one connection, or on several.

    `access` identifies callers. `state_keys` seal the request state that a client carries from a question to its
    answer: the first key seals, all keys open; without any, only this process opens what it sealed. `keeps_sessions` is
    whether a session of the older era lasts longer than a request: only then can it be notified of changes. `remark` is
    for the instructions. `observer` is called for every call. `makes_spans` is whether the SDK's spans of messages are
    exported. `offers` makes the pages on which persons link credentials of their own. OperatorError if the
    configuration offers no tool.
    """
    connections = (served if isinstance(served, Connections) else Connections.of(served)).with_offers(offers)
    app = connections.first
    offered = choose_tools(
        tool_table(several=connections.are_several), app.surface.tools, only_reads=app.surface.only_reads
    )
    callers = ServerContext(connections, offered, access, app.surface.shows_board)
    tools, late = ToolHandlers(callers), LateHandlers(callers)
    subscriptions = TaskSubscriptions(connections, late)
    has_news = late.offers_what_changes
    server = TaskhandServer(
        name=_NAME,
        title=_TITLE,
        version=__version__,
        lifespan=subscriptions.lifespan,
        cache_hints=dict.fromkeys(_LISTS, _CONSTANT_LIST),
        get_tool_input_schema=_skip_headers,
        on_list_tools=tools.list_tools,
        on_call_tool=tools.call_tool,
        on_list_prompts=late.list_prompts,
        on_get_prompt=late.get_prompt,
        on_list_resources=late.list_resources,
        on_list_resource_templates=late.list_templates,
        on_read_resource=late.read_resource,
        on_completion=late.complete,
        on_subscribe_resource=subscriptions.subscribe if has_news and keeps_sessions else None,
        on_unsubscribe_resource=subscriptions.unsubscribe if has_news and keeps_sessions else None,
        on_subscriptions_listen=subscriptions.listen if has_news else None,
    )
    server.served, server.subscriptions = callers, subscriptions
    if not makes_spans:
        server.middleware.clear()
    if observer is not None:
        from taskhand.server.call_observer import observe_calls  # noqa: PLC0415  few servers are observed

        server.middleware.append(observe_calls(observer))
    server.middleware += [log_protocol_errors, parse_stringified_arguments, _describe_server(callers, remark)]
    security = RequestStateSecurity(keys=state_keys) if state_keys else RequestStateSecurity.ephemeral()
    server.middleware.append(RequestStateBoundary(security, default_audience=_NAME))
    return server


def _describe_server(served: ServerContext, remark: str | None) -> ServerMiddleware[Any]:
    """The middleware that adds to each opening the caller's instructions, and that the server has pages.

    The SDK omits the extensions from an answer to `initialize`, and some hosts show no page without them:
    https://github.com/anthropics/claude-ai-mcp/issues/165
    """

    async def describe(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        result = await call_next(ctx)
        if ctx.method not in OPENINGS or not isinstance(result, Mapping):
            return result
        described = {**result, "instructions": instructions_for(served, ctx, remark)}
        if served.has_board:
            extensions = {"extensions": {PAGES: {"mimeTypes": [PAGE_TYPE]}}}
            described["capabilities"] = {**result["capabilities"], **extensions}
        return described

    return describe


def _skip_headers(_tool: str) -> None:
    """The schema for arguments that are repeated in HTTP headers (`x-mcp-header`): no tool has any."""


def create_not_configured_server(error: OperatorError) -> Server[Any]:
    """A server that answers every call with this error of the configuration, until the configuration is corrected."""
    from taskhand.server.not_configured import NotConfiguredHandlers  # noqa: PLC0415  few servers are not configured

    handlers = NotConfiguredHandlers.of(error)
    server = Server[Any](
        name=_NAME,
        title=_TITLE,
        version=__version__,
        instructions=handlers.instructions,
        on_list_tools=handlers.list_tools,
        on_call_tool=handlers.call_tool,
        on_list_prompts=handlers.list_prompts,
        on_get_prompt=handlers.get_prompt,
        on_list_resources=handlers.list_resources,
        on_list_resource_templates=handlers.list_templates,
        on_read_resource=handlers.read_resource,
    )
    server.middleware += [log_protocol_errors, parse_stringified_arguments]
    return server
