"""Serve on standard input and output."""

import json
import signal
from collections.abc import AsyncIterable, Callable, Coroutine
from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectSendStream
from mcp.server import Server
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp.types import INVALID_REQUEST, PARSE_ERROR, ErrorData, JSONRPCError
from pydantic import ValidationError

from taskhand.server.transports.both_eras import serve_both_eras
from taskhand.server.transports.process import LAST_WRITE_S, leave

__all__ = ["serve_stdio"]

_Work = Callable[[], Coroutine[Any, Any, None]]


async def serve_stdio(server: Server[Any], close: _Work, at_start: _Work) -> None:
    """Serve until standard input closes or a signal arrives.

    `close` waits for the write under way, if any. `at_start` runs beside the first requests.
    """
    async with anyio.create_task_group() as tasks:

        def answer(message: SessionMessage) -> None:
            tasks.start_soon(write.send, message)

        try:
            async with stdio_server() as (read, write):
                tasks.start_soon(_leave_on_signal, close)
                tasks.start_soon(at_start)
                send, receive = anyio.create_memory_object_stream[SessionMessage]()
                tasks.start_soon(_forward_readable, read, send, answer)
                try:
                    await serve_both_eras(server, receive, write)
                except anyio.get_cancelled_exc_class():
                    tasks.start_soon(_leave_soon)  # nothing can be written, and the thread that reads may wait for ever
                    raise
            # Here the last answer is written; `_forward_readable` ends the process where the client does not read it.
        except* ConnectionError:
            pass  # the client has closed its end of standard output: nobody waits for an answer
        tasks.cancel_scope.cancel()


async def _forward_readable(
    read: AsyncIterable[SessionMessage | Exception],
    forward: MemoryObjectSendStream[SessionMessage],
    answer: Callable[[SessionMessage], None],
) -> None:
    """Forward every message to the server; answer every line that is not a message, since its caller waits.

    The answer is not waited for: a client that does not read would keep the end of the input from being seen.
    """
    async with forward:
        async for message in read:
            if isinstance(message, Exception):
                answer(SessionMessage(_unreadable(message)))
            else:
                await forward.send(message)
    await _leave_soon()


async def _leave_soon() -> None:
    """End the process. Requests under way may end, but a store that another process holds is not waited for."""
    await anyio.sleep(LAST_WRITE_S)
    leave()


def _unreadable(error: Exception) -> JSONRPCError:
    """The answer to a line that is not a message, under the id that can still be read from it."""
    lines = [one["input"] for one in error.errors()] if isinstance(error, ValidationError) else []
    try:
        sent = json.loads(lines[0]) if lines and isinstance(lines[0], str) else lines[0] if lines else None
    except (ValueError, RecursionError):
        sent = None
    request_id = sent.get("id") if isinstance(sent, dict) else None
    known = request_id if isinstance(request_id, int | str) and not isinstance(request_id, bool) else None
    code = PARSE_ERROR if sent is None else INVALID_REQUEST
    text = "That line is not a JSON-RPC message: it must be one line of JSON whose text is valid Unicode."
    return JSONRPCError(jsonrpc="2.0", id=known, error=ErrorData(code=code, message=text))


async def _leave_on_signal(close: _Work) -> None:
    """End the process on a signal: the thread that reads standard input cannot be stopped."""
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            with anyio.move_on_after(LAST_WRITE_S):
                await close()
            leave()
