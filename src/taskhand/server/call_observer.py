"""Reports each tool call to an observer: its outcome and its duration."""

import time
from typing import Any

import anyio
from mcp.server import ServerRequestContext
from mcp.server.context import CallNext, HandlerResult, ServerMiddleware

from taskhand.call.observers import CallObserver
from taskhand.domain.errors import CallerError, NotAllowed, NotAttempted, OperatorError, TaskhandError, UpstreamError
from taskhand.server.refusal_log import NOTES, CallNotes

__all__ = ["observe_calls"]

_OUTCOMES: dict[type[TaskhandError], str] = {
    NotAllowed: "not_allowed",
    OperatorError: "operator_error",
    CallerError: "caller_error",
    NotAttempted: "caller_error",
    UpstreamError: "upstream_error",
}
"""Who can act on an error, by its class; the narrower class comes first."""


def observe_calls(observer: CallObserver) -> ServerMiddleware[Any]:
    """The middleware that reports to `observer`."""

    async def observe(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        if ctx.method != "tools/call":
            return await call_next(ctx)
        notes, began, is_cancelled = CallNotes(), time.perf_counter(), False
        token = NOTES.set(notes)
        try:
            return await call_next(ctx)
        except anyio.get_cancelled_exc_class():
            is_cancelled = True
            raise
        finally:
            NOTES.reset(token)
            outcome = "cancelled" if is_cancelled else _outcome(notes)
            tool = str((ctx.params or {}).get("name"))
            observer.call_ended(tool, notes.connection, outcome, notes.code, time.perf_counter() - began)

    return observe


def _outcome(notes: CallNotes) -> str:
    """The outcome `ok`, `protocol_error`, or the name of the error's class."""
    if notes.code is None:
        return "ok"
    if notes.error is None:
        return "protocol_error"
    classes = (name for kind, name in _OUTCOMES.items() if isinstance(notes.error, kind))
    return next(classes, "internal_error")
