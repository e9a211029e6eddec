"""Stringified arguments: some hosts send the whole object of a call as a JSON string."""

import json
from dataclasses import replace
from typing import Any

from mcp.server import ServerRequestContext
from mcp.server.context import CallNext, HandlerResult
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS

__all__ = ["parse_stringified_arguments"]

_EMPTY: tuple[Any, ...] = ("", "null", [])
"""Values that stand for no arguments; some languages write an empty object as a list."""


async def parse_stringified_arguments(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Pass a call on with its arguments as an object; MCPError if the text does not contain one."""
    sent = ctx.params.get("arguments") if ctx.method == "tools/call" and ctx.params is not None else None
    if ctx.params is None or sent is None or isinstance(sent, dict):
        return await call_next(ctx)
    return await call_next(replace(ctx, params={**ctx.params, "arguments": _to_object(sent)}))


def _to_object(sent: Any) -> dict[str, Any]:
    text = sent.strip() if isinstance(sent, str) else sent
    if text in _EMPTY:
        return {}
    try:
        parsed = json.loads(text) if isinstance(text, str) else None
        parsed = json.loads(parsed) if isinstance(parsed, str) else parsed
    except (ValueError, RecursionError):
        parsed = None
    if isinstance(parsed, dict):
        return parsed
    raise MCPError(code=INVALID_PARAMS, message='arguments must be a JSON object, e.g. {"id": "..."}.')
