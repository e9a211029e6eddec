"""The two doors of the server: standard input and output, and Streamable HTTP on loopback."""

import ipaddress
import os
import signal
import sys
from typing import Any

import anyio
from mcp.server import MCPServer
from starlette.requests import Request
from starlette.responses import JSONResponse

from taskhand import __version__
from taskhand.errors import OperatorError

__all__ = ["serve_http", "serve_stdio"]

_GRACE_S = 1
"""How long an open HTTP connection may delay the end."""


async def serve_stdio(server: MCPServer[Any]) -> None:
    """Serve until standard input closes or a signal asks to end; work under way is finished or rolled back."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_until_signal, tasks.cancel_scope)
        await server.run_stdio_async()
        tasks.cancel_scope.cancel()


async def serve_http(server: MCPServer[Any], host: str, port: int) -> None:
    """Serve Streamable HTTP at /mcp and a health answer at /health; OperatorError for a host beyond loopback."""
    import uvicorn  # noqa: PLC0415  only this door needs it

    check_loopback(host)
    server.custom_route("/health", methods=["GET"])(_health)
    app = server.streamable_http_app(host=host)
    config = uvicorn.Config(app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=_GRACE_S)
    sys.stderr.write(f"taskhand {__version__} serves http://{host}:{port}/mcp\n")
    await uvicorn.Server(config).serve()


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


async def _until_signal(scope: anyio.CancelScope) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            scope.cancel()
            return


async def _health(_: Request) -> JSONResponse:
    return JSONResponse({"status": "ok", "version": __version__})


def leave(code: int) -> None:
    """End the process now: a thread still reading standard input cannot be asked to stop."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
