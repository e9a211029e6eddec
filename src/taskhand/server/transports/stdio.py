"""Serve on standard input and output."""

import json
import signal
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine
from contextlib import suppress
from typing import Any

import anyio
from anyio.abc import TaskGroup
from mcp.server import Server
from mcp.shared.message import SessionMessage
from mcp.types import INVALID_REQUEST, PARSE_ERROR, ErrorData, JSONRPCError, jsonrpc_message_adapter
from pydantic import ValidationError

from taskhand.server.transports.process_exit import LAST_WRITE_S, leave
from taskhand.server.transports.protocol_eras import serve_both_eras
from taskhand.server.transports.standard_streams import MessageSink, open_standard_streams

__all__ = ["serve_stdio"]

_MARK = "\ufeff"
_NOTHING = f"{_MARK} \t\r\n"
"""The characters of a line without a message."""

_Work = Callable[[], Coroutine[Any, Any, None]]


async def serve_stdio(server: Server[Any], close: _Work, at_start: _Work) -> None:
    """Serve until standard input closes or a signal arrives.

    `close` waits for the write under way, if any. `at_start` runs beside the first requests.
    """
    try:
        async with anyio.create_task_group() as tasks:
            async with open_standard_streams(tasks.cancel_scope.cancel) as (read, write):
                tasks.start_soon(_leave_on_signal, close)
                tasks.start_soon(at_start)
                try:
                    await serve_both_eras(server, _readable(read, write, tasks), write)
                except anyio.get_cancelled_exc_class():
                    tasks.start_soon(_leave_soon)  # on Windows the thread that reads may wait for ever
                    raise
            # Here the last answer is written; `_leave_soon` ends the process if the client does not read it.
            tasks.cancel_scope.cancel()
    except* ConnectionError:
        pass  # the client has closed its end of standard output: it waits for no answer


async def _readable(
    read: AsyncIterable[SessionMessage | Exception], write: MessageSink, tasks: TaskGroup
) -> AsyncIterator[SessionMessage]:
    """The messages of the input; a line that is no message is answered with an error, because its caller waits.

    The loop does not wait until that answer is written: a client that does not read would keep the end of the input
    from being seen. Such a client keeps the process no longer than any other.
    """
    async for message in read:
        if not isinstance(message, Exception):
            yield message
            continue
        line = _line(message)
        if line is not None and not line.strip(_NOTHING):
            continue
        if (read_again := _without_mark(line)) is None:
            tasks.start_soon(_answer, write, SessionMessage(_unreadable(message)))
        else:
            yield read_again
    tasks.start_soon(_leave_soon)


async def _answer(write: MessageSink, message: SessionMessage) -> None:
    with suppress(anyio.BrokenResourceError):
        await write.send(message)


async def _leave_soon() -> None:
    """End the process. Requests under way may end, but a store that another process has locked is not waited for."""
    await anyio.sleep(LAST_WRITE_S)
    leave()


def _line(error: Exception) -> str | None:
    """The line if it is no JSON at all; None if only its content is wrong."""
    faults = error.errors() if isinstance(error, ValidationError) else []
    return faults[0]["input"] if faults and faults[0]["type"] == "json_invalid" else None


def _without_mark(line: str | None) -> SessionMessage | None:
    """The message in a line that begins with a byte order mark, which Windows shells write; None for any other line."""
    if line is None or not line.startswith(_MARK):
        return None
    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(line.lstrip(_MARK), by_name=False))
    except ValidationError:
        return None


def _parse(line: str) -> Any:
    """The value of a line that is JSON with characters that are not Unicode text; None for any other line."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _unreadable(error: Exception) -> JSONRPCError:
    """The answer to a line that is not a message, with the id if that can be read."""
    faults = error.errors() if isinstance(error, ValidationError) else []
    sent = [_parse(fault["input"]) if fault["type"] == "json_invalid" else fault["input"] for fault in faults]
    # For a missing field pydantic's input is the whole message, for a wrong one only its value.
    request_id = next((message["id"] for message in sent if isinstance(message, dict) and "id" in message), None)
    known = request_id if isinstance(request_id, int | str) and not isinstance(request_id, bool) else None
    code = PARSE_ERROR if sent in ([], [None]) else INVALID_REQUEST
    text = "That line is not a JSON-RPC message: it must be one line of JSON whose text is valid Unicode."
    return JSONRPCError(jsonrpc="2.0", id=known, error=ErrorData(code=code, message=text))


async def _leave_on_signal(close: _Work) -> None:
    """End the process on a signal; on Windows the thread that reads standard input cannot be stopped."""
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            with anyio.move_on_after(LAST_WRITE_S):
                await close()
            leave()
