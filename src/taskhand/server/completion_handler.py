"""MCP handler for completion: the names of people and statuses for an argument of a prompt."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from mcp.server import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import INTERNAL_ERROR, CompleteRequestParams, CompleteResult, Completion

from taskhand.domain.errors import TaskhandError
from taskhand.server.internal_error import internal_errors
from taskhand.server.render.errors import error_sentence
from taskhand.service.app_context import AppContext

__all__ = ["complete_with"]

_MOST: Final = 20


def complete_with(
    app: AppContext,
) -> Callable[[ServerRequestContext[Any, Any], CompleteRequestParams], Awaitable[CompleteResult]]:
    """The handler that completes names from `app`."""

    async def complete(_: ServerRequestContext[Any, Any], params: CompleteRequestParams) -> CompleteResult:
        from taskhand.service.complete_name import complete_name  # noqa: PLC0415  no start waits for it

        argument, context = params.argument, params.context
        taken = (context.arguments or {}).values() if context else ()
        try:
            with internal_errors(f"completion of {argument.name}"), app.call_deadline():
                names = await complete_name(app, argument.name, argument.value, taken)
        except TaskhandError as error:
            raise MCPError(INTERNAL_ERROR, error_sentence(error)) from None
        values = list(names[:_MOST])
        return CompleteResult(completion=Completion(values=values, total=len(names), has_more=len(values) < len(names)))

    return complete
