"""The log of refused calls: one line for each, with the tool and the code."""

import logging
from typing import Any, Final

from mcp.server import ServerRequestContext
from mcp.server.context import CallNext, HandlerResult
from mcp.shared.exceptions import MCPError

__all__ = ["log_protocol_errors", "log_refusal"]

logger = logging.getLogger(__name__)

_MOST_OF_NAME: Final = 60


def log_refusal(tool: str, code: str) -> None:
    """Log that a call was refused. The name of the tool is what the client has sent."""
    name = tool[:_MOST_OF_NAME]
    logger.info("%s refused: %s", name, code, extra={"tool": name, "code": code})


async def log_protocol_errors(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Log the calls of tools that no tool has refused, but the protocol: the code is that of JSON-RPC."""
    try:
        return await call_next(ctx)
    except MCPError as error:
        if ctx.method == "tools/call":
            log_refusal(str((ctx.params or {}).get("name")), str(error.code))
        raise
