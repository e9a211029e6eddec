"""The two doors of the server: standard input and output, and Streamable HTTP on loopback."""

import ipaddress
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

import anyio
from mcp.server import MCPServer
from starlette.requests import Request
from starlette.responses import JSONResponse

from taskhand import __version__
from taskhand.errors import OperatorError

__all__ = ["check_loopback", "leave", "serve_http", "serve_stdio"]

_LAST_REQUEST_S = 0.4
"""How long an open HTTP connection may delay the end."""

_LAST_WRITE_S = 0.5
"""How long a write under way may delay the end; a longer one is rolled back."""


async def serve_stdio(server: MCPServer[Any], close: Callable[[], Awaitable[None]]) -> None:
    """Serve until standard input closes or a signal asks to end; `close` waits for the write under way, if any."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_leave_on_signal, close)
        await server.run_stdio_async()
        tasks.cancel_scope.cancel()


async def serve_http(server: MCPServer[Any], host: str, port: int) -> None:
    """Serve Streamable HTTP at /mcp and a health answer at /health until a signal asks to end.

    OperatorError for a host beyond loopback, or an address that is taken.
    """
    import uvicorn  # noqa: PLC0415  only this door needs it

    check_loopback(host)
    server.custom_route("/health", methods=["GET"])(_health)
    config = uvicorn.Config(
        server.streamable_http_app(host=host),
        log_level="critical",
        timeout_graceful_shutdown=_LAST_REQUEST_S,  # type: ignore[arg-type]  # fractions of a second are fine there
    )
    with _bound(host, port) as bound:
        sys.stderr.write(f"taskhand {__version__} serves http://{_shown(host)}:{bound.getsockname()[1]}/mcp\n")
        sys.stderr.flush()
        # uvicorn ends on the signal, then raises it again: by then it has done its work.
        signal.signal(signal.SIGTERM, lambda *_: None)
        signal.signal(signal.SIGINT, lambda *_: None)
        await uvicorn.Server(config).serve(sockets=[bound])


def check_loopback(host: str) -> None:
    """Refuse a host that other machines could reach: nothing asks them who they are yet."""
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise OperatorError(
            f"{host} can be reached by other machines, and Taskhand cannot ask them who they are yet: "
            "serve on 127.0.0.1, localhost or ::1.",
            code="host_refused",
        )


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise OperatorError(
            f"{_shown(host)}:{port} cannot be served: {error.strerror}.",
            code="address_refused",
            next_step="Choose another --port, or 0 for any free one.",
        ) from None


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


async def _leave_on_signal(close: Callable[[], Awaitable[None]]) -> None:
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
