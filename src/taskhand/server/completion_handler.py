"""MCP handler for completion: the names of people, statuses and connections for a prompt's arguments."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from mcp.server import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import INTERNAL_ERROR, CompleteRequestParams, CompleteResult, Completion

from taskhand.domain.errors import CallerError, NotAllowed, TaskhandError
from taskhand.server.access import CallerView, ServerContext
from taskhand.server.internal_error import internal_errors
from taskhand.server.prompt import CONNECTION
from taskhand.server.render.errors import error_sentence

__all__ = ["complete"]

_MAX_NAMES: Final = 20


async def complete(
    served: ServerContext, ctx: ServerRequestContext[Any, Any], params: CompleteRequestParams
) -> CompleteResult:
    """The names that start with the given text, among those that the caller's tools show."""
    argument, context = params.argument, params.context
    others = (context.arguments or {}) if context else {}
    try:
        with internal_errors(f"completion of {argument.name}"), served.connections.first.call_deadline():
            names = await _names(served.view(ctx), argument.name, argument.value, others)
    except TaskhandError as error:
        raise MCPError(INTERNAL_ERROR, error_sentence(error)) from None
    values = list(names[:_MAX_NAMES])
    return CompleteResult(completion=Completion(values=values, total=len(names), has_more=len(values) < len(names)))


async def _names(view: CallerView, argument: str, typed: str, others: Mapping[str, str]) -> Sequence[str]:
    """The names for an argument, in the connection that another argument names or in all; only visible ones."""
    from taskhand.service.name_completion import complete_name, tool_like  # noqa: PLC0415  no start waits for it

    if not view.may_read:
        return ()
    if argument == CONNECTION and view.connections.are_several:
        return [name for name in view.connections.names if name.startswith(typed.strip().casefold())]
    like = tool_like(argument)
    if like is None or like in view.offered.forbidden:
        return ()
    taken = [value for name, value in others.items() if name != CONNECTION]
    if not view.connections.are_several:
        return await complete_name(view.connections.first, argument, typed, taken)
    try:
        named = others.get(CONNECTION, "").strip()
        apps = {named: view.find(named)} if named else view.connections.by_name
    except (CallerError, NotAllowed):
        return ()
    from taskhand.service.ask_connections import ask_connections  # noqa: PLC0415  few servers have several

    # a completion never starts a link offer
    apps = {name: replace(app, own_credentials=replace(app.own_credentials, offers=None)) for name, app in apps.items()}
    answers = await ask_connections(apps, lambda _, app: complete_name(app, argument, typed, taken))
    return tuple(dict.fromkeys(name for names in answers.answers.values() for name in names))
