"""The log of refused calls, one line for each with the tool and the code; and notes on a call that is observed."""

import logging
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

from mcp.server import ServerRequestContext
from mcp.server.context import CallNext, HandlerResult
from mcp.shared.exceptions import MCPError

from taskhand.domain.errors import TaskhandError

__all__ = ["ALL", "NOTES", "CallNotes", "log_protocol_errors", "log_refusal", "note_connection"]

logger = logging.getLogger(__name__)

_MAX_OF_NAME: Final = 60


@dataclass(slots=True)
class CallNotes:
    """The connection that a call uses, and the code and error that it ended with; None if there is none."""

    connection: str | None = None
    code: str | None = None
    error: TaskhandError | None = None


ALL: Final = "all"
"""In the place of a connection's name: the call is about all of them."""

NOTES: Final[ContextVar[CallNotes | None]] = ContextVar("call_notes", default=None)
"""The notes of the call under way, None if it is not observed."""


def note_connection(name: str | None) -> None:
    """Note which connection the call uses; None if there is only one."""
    if (notes := NOTES.get()) is not None:
        notes.connection = name


def log_refusal(tool: str, code: str, error: TaskhandError | None = None) -> None:
    """Log that a call was refused, and note it. The tool's name is the text that the client sent."""
    name = tool[:_MAX_OF_NAME]
    logger.info("%s refused: %s", name, code, extra={"tool": name, "code": code})
    if (notes := NOTES.get()) is not None:
        notes.code, notes.error = code, error


async def log_protocol_errors(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Log the calls of tools that no tool has refused, but the protocol: the code is that of JSON-RPC."""
    try:
        return await call_next(ctx)
    except MCPError as error:
        if ctx.method == "tools/call":
            log_refusal(str((ctx.params or {}).get("name")), str(error.code))
        raise
