"""Reads the host's trace context from the headers of a request, if its `_meta` has none."""

from dataclasses import replace
from typing import Any, Final

from mcp.server import ServerRequestContext
from mcp.server.context import CallNext, HandlerResult

__all__ = ["read_trace_headers"]

_NAMES: Final = ("traceparent", "tracestate")
"""https://www.w3.org/TR/trace-context/ ; the MCP library reads the same names in `_meta`."""


async def read_trace_headers(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """The middleware; it runs before that of the MCP library."""
    meta: Any = ctx.meta or {}
    if ctx.request is None or "traceparent" in meta:
        return await call_next(ctx)
    headers = {name: value for name in _NAMES if (value := ctx.request.headers.get(name))}
    return await call_next(replace(ctx, meta=meta | headers) if "traceparent" in headers else ctx)
