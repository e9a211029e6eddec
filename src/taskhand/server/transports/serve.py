"""The two doors of the server: standard input and output, and Streamable HTTP."""

import json
import os
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterable, Awaitable, Callable, Coroutine
from types import FrameType
from typing import Any, NoReturn

import anyio
from anyio.streams.memory import MemoryObjectSendStream
from mcp.server import MCPServer
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp.types import INVALID_REQUEST, PARSE_ERROR, ErrorData, JSONRPCError
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse

from taskhand import __version__
from taskhand.domain.errors import OperatorError
from taskhand.server.address import Address, shown

__all__ = ["leave", "serve_http", "serve_stdio"]

_Work = Callable[[], Coroutine[Any, Any, None]]

_LAST_REQUEST_S = 0.4
"""How long an open HTTP connection may delay the end."""

_LAST_WRITE_S = 0.5
"""How long a write under way may delay the end; a longer one is rolled back."""


async def serve_stdio(server: MCPServer[Any], close: _Work, first: _Work) -> None:
    """Serve until standard input closes or a signal asks to end; `close` waits for the write under way, if any.

    `first` is done meanwhile.
    """
    lowlevel = server._lowlevel_server  # noqa: SLF001  the SDK's own stdio door does not answer what it cannot read
    async with anyio.create_task_group() as tasks, stdio_server() as (read, write):
        tasks.start_soon(_leave_on_signal, close)
        tasks.start_soon(first)
        into, out = anyio.create_memory_object_stream[SessionMessage | Exception]()
        tasks.start_soon(_readable, read, into, write.send)
        await lowlevel.run(out, write, lowlevel.create_initialization_options())
        tasks.cancel_scope.cancel()


async def _readable(
    read: AsyncIterable[SessionMessage | Exception],
    into: MemoryObjectSendStream[SessionMessage | Exception],
    answer: Callable[[SessionMessage], Awaitable[None]],
) -> None:
    """Hand on what could be read, and answer what could not: a caller waits for its answer."""
    async with into:
        async for message in read:
            if isinstance(message, Exception):
                await answer(SessionMessage(unreadable(message)))
            else:
                await into.send(message)
    # Standard input is closed: what is under way may end, but a store that another process holds is not waited for.
    await anyio.sleep(_LAST_WRITE_S)
    leave()


def unreadable(error: Exception) -> JSONRPCError:
    """The answer to a line that is no message, under the id that can still be told from it."""
    lines = [one["input"] for one in error.errors()] if isinstance(error, ValidationError) else []
    try:
        sent = json.loads(lines[0]) if lines and isinstance(lines[0], str) else lines[0] if lines else None
    except (ValueError, RecursionError):
        sent = None
    request_id = sent.get("id") if isinstance(sent, dict) else None
    known = request_id if isinstance(request_id, int | str) and not isinstance(request_id, bool) else None
    code = PARSE_ERROR if sent is None else INVALID_REQUEST
    said = "That line is not a JSON-RPC message: it must be one line of JSON whose text is valid Unicode."
    return JSONRPCError(jsonrpc="2.0", id=known, error=ErrorData(code=code, message=said))


async def serve_http(server: MCPServer[Any], address: Address, first: _Work) -> None:
    """Serve Streamable HTTP at /mcp and a health answer at /health until a signal asks to end.

    `first` is done meanwhile. OperatorError for an address that is refused, or taken.
    """
    import uvicorn  # noqa: PLC0415  only this door needs it

    class _Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            """End soon in any case: a write that waits for another process would hold everything up."""
            super().handle_exit(sig, frame)
            last = threading.Timer(_LAST_REQUEST_S + _LAST_WRITE_S, leave)
            last.daemon = True
            last.start()

    address.check()
    server.custom_route("/health", methods=["GET"])(_health)
    config = uvicorn.Config(
        server.streamable_http_app(transport_security=address.security()),
        log_level="critical",
        timeout_graceful_shutdown=_LAST_REQUEST_S,  # type: ignore[arg-type]  # fractions of a second are fine there
    )
    with _bound(address.host, address.port) as bound:
        sys.stderr.write(f"taskhand {__version__} serves http://{shown(address.host)}:{bound.getsockname()[1]}/mcp\n")
        if not address.is_loopback:
            sys.stderr.write("Whoever reaches this port can use it: nobody is asked who they are.\n")
        sys.stderr.flush()
        # uvicorn ends on the signal, then raises it again: by then it has done its work.
        signal.signal(signal.SIGTERM, lambda *_: None)
        signal.signal(signal.SIGINT, lambda *_: None)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(first)
            await _Server(config).serve(sockets=[bound])
            tasks.cancel_scope.cancel()


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        bound = socket.create_server((host, port), family=family)
    except OSError as error:
        raise OperatorError(
            f"{shown(host)}:{port} cannot be served: {error.strerror}.",
            code="address_refused",
            next_step="Choose another --port, or 0 for any free one.",
        ) from None
    # asyncio sets this only on sockets of protocol TCP, and create_server makes one of protocol 0: without it every
    # small answer waits some 40 ms for an acknowledgement.
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return bound


async def _leave_on_signal(close: _Work) -> None:
    """End the process on a signal: the thread that reads standard input could not be asked to stop."""
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            with anyio.move_on_after(_LAST_WRITE_S):
                await close()
            leave()


async def _health(_: Request) -> JSONResponse:
    return JSONResponse({"status": "ok", "version": __version__})


def leave() -> NoReturn:
    """End the process now, without waiting for its threads."""
    sys.stderr.flush()
    os._exit(0)
