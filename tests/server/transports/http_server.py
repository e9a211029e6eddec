"""A server over HTTP in this process, and clients that call it from several addresses of this machine."""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx2
from anyio.abc import ByteReceiveStream
from mcp.server import Server

from backends.sandboxed_app import TRUST
from taskhand.config.settings import Settings
from taskhand.server.app import create_server
from taskhand.server.linking.routes import LinkPages
from taskhand.server.transports.host_names import ListenAddress
from taskhand.server.transports.http import Endpoint, SideRoutes, serve_http
from taskhand.server.transports.http_limits import HttpLimits
from taskhand.server.transports.proxies import Proxies
from taskhand.wiring import open_app
from time_limits import BOUND_S

__all__ = ["ACCEPTS", "HELLO", "client_at", "is_open", "listening", "read_to_the_end", "served", "session_of"]

HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}
"""How a session of the older era begins."""
ACCEPTS = {"Accept": "application/json, text/event-stream"}
"""What every client of MCP accepts."""
_LIMITS = HttpLimits()


@asynccontextmanager
async def served(store: Path, limits: HttpLimits = _LIMITS, *proxies: str, **more: str) -> AsyncIterator[int]:
    """The server in this process, with these settings and named proxies: its port."""
    async with (
        open_app(Settings.from_env({"TASKHAND_DB": str(store)} | more)) as app,
        listening(create_server(app), limits, *proxies) as port,
    ):
        yield port


@asynccontextmanager
async def listening(
    server: Server[Any], limits: HttpLimits = _LIMITS, *proxies: str, pages: LinkPages | None = None
) -> AsyncIterator[int]:
    """A server over HTTP, with named proxies: its port."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        async with anyio.create_task_group() as tasks:
            said, heard = anyio.create_memory_object_stream[str](2)
            named = Proxies.parse(proxies)
            serve = partial(serve_http, beside=SideRoutes(pages=pages))
            address = ListenAddress("127.0.0.1", 0, is_insecure=bool(proxies))
            endpoint = Endpoint(address, limits, named, announce=said.send_nowait)
            tasks.start_soon(serve, server, endpoint, anyio.lowlevel.checkpoint)
            with said, heard, anyio.fail_after(BOUND_S):
                url = await heard.receive()
            yield int(url.removesuffix("/mcp").rpartition(":")[2])
            tasks.cancel_scope.cancel()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def client_at(address: str) -> httpx2.AsyncClient:
    """A client that calls from an address of this machine."""
    return httpx2.AsyncClient(headers=ACCEPTS, transport=httpx2.AsyncHTTPTransport(verify=TRUST, local_address=address))


def session_of(answer: httpx2.Response) -> dict[str, str]:
    """The headers of the session that was opened."""
    assert answer.status_code == 200
    return {"Mcp-Session-Id": answer.headers["mcp-session-id"], "MCP-Protocol-Version": "2025-11-25"}


async def is_open(client: httpx2.AsyncClient, url: str, session: dict[str, str]) -> bool:
    """Whether the server knows the session."""
    answer = await client.post(url, json={"jsonrpc": "2.0", "id": 2, "method": "ping"}, headers=session)
    return answer.status_code == 200


async def read_to_the_end(line: ByteReceiveStream) -> int:
    """Read until the server closes or resets the connection: how many bytes came."""
    count = 0
    with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
        while True:
            count += len(await line.receive())
    return count
