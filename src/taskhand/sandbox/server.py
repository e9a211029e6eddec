"""Serves an emulator on loopback and lets it reset its TCP connections, which ASGI alone cannot.

Only this module imports uvicorn, so that other users of the sandboxes do not pay for its import.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import os
import socket
import struct
from typing import TYPE_CHECKING, Any, Protocol

import anyio
from anyio.lowlevel import checkpoint
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from taskhand.sandbox.asgi_io import CLOSE, RESET
from taskhand.sandbox.webhook_post import deliver_always

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.types import ASGIApp

    from taskhand.sandbox.emulator import Emulator

LINGER = "hh" if os.name == "nt" else "ii"  # the layout of struct linger


class HasApp(Protocol):
    """An object with an ASGI application."""

    @property
    def app(self) -> ASGIApp:
        """The application to serve."""


class _ResettableProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 connection without a log, which the application may reset or close."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.logger = logging.getLogger(__name__)
        self.access_log = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's own signature
        super().connection_made(transport)
        self.app_state = {RESET: self._reset, CLOSE: transport.close}

    def _reset(self) -> None:
        """Abort with a linger time of 0, which makes TCP send RST instead of FIN."""
        raw = self.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(LINGER, 1, 0))
        self.transport.abort()


@contextlib.asynccontextmanager
async def serve_delivering(sandbox: Emulator, port: int = 0) -> AsyncIterator[str]:
    """Serve as `serve` does, and send every webhook as soon as it is due."""
    async with serve_sandbox(sandbox, port=port) as url:
        delivering = asyncio.create_task(deliver_always(sandbox))  # a task group would wrap what the caller raises
        try:
            yield url
        finally:
            delivering.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await delivering


@contextlib.asynccontextmanager
async def serve_sandbox(sandbox: HasApp, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve in the running event loop and yield the base URL; port 0 takes a free port.

    ValueError for a host that is not loopback, because data and control routes need no key.
    """
    address = _loopback(host)
    config = Config(
        sandbox.app, http=_ResettableProtocol, ws="none", lifespan="off", log_config=None, proxy_headers=False
    )
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _ResettableProtocol(config, state, {}), str(address), port)
    try:
        yield _url(address, server.sockets[0].getsockname()[1])
    finally:
        server.close()
        await _drop(state)


def run(sandbox: HasApp, host: str, port: int, announce: Callable[[str], None]) -> None:
    """Serve until Ctrl-C; `announce` is called with the base URL once connections are accepted."""

    async def until_stopped() -> None:
        async with serve_sandbox(sandbox, host, port) as url:
            announce(url)
            await anyio.sleep_forever()

    with contextlib.suppress(KeyboardInterrupt):
        anyio.run(until_stopped)


async def _drop(state: ServerState) -> None:
    """Abort every connection; requests in progress see a disconnect and end."""
    for connection in list(state.connections):
        connection.transport.abort()
    await asyncio.gather(*state.tasks, return_exceptions=True)
    await checkpoint()


def _loopback(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    with contextlib.suppress(ValueError):
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
        if address.is_loopback:
            return address
    raise ValueError(f"a sandbox serves on loopback only (127.0.0.1, ::1, localhost), not on {host!r}")


def _url(address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int) -> str:
    name = f"[{address}]" if isinstance(address, ipaddress.IPv6Address) else str(address)
    return f"http://{name}:{port}"
