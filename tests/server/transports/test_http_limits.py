"""What a client can hold open over HTTP: requests that never arrive whole, and sessions. Served in this process."""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import anyio
import httpx2
import pytest
from anyio.abc import ByteReceiveStream, ByteSendStream

from taskhand.config.settings import Settings
from taskhand.server.app import create_server
from taskhand.server.transports.host_names import Address
from taskhand.server.transports.http import HttpLimits, serve_http
from taskhand.wiring import open_app

HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}
ACCEPTS = {"Accept": "application/json, text/event-stream"}
REQUEST_S = 0.3
SHORT = HttpLimits(request_s=REQUEST_S)
HEAD = b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
HEALTH = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@asynccontextmanager
async def served(store: Path, limits: HttpLimits = SHORT) -> AsyncIterator[int]:
    """The server in this process: its port."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        async with open_app(Settings.from_env({"TASKHAND_DB": str(store)})) as app, anyio.create_task_group() as tasks:
            said, heard = anyio.create_memory_object_stream[str](1)
            serve = partial(serve_http, limits=limits, announce=said.send_nowait)
            tasks.start_soon(serve, create_server(app), Address("127.0.0.1", 0), anyio.lowlevel.checkpoint)
            with said, heard, anyio.fail_after(10):
                url = await heard.receive()
            yield int(url.removesuffix("/mcp").rpartition(":")[2])
            tasks.cancel_scope.cancel()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


async def read_to_the_end(line: ByteReceiveStream) -> None:
    """Read until the server closes or resets the connection."""
    with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
        while True:
            await line.receive()


async def trickle(line: ByteSendStream, text: bytes) -> None:
    """Send byte after byte, each well within the time of a request."""
    for byte in text:
        await line.send(bytes([byte]))
        await anyio.sleep(REQUEST_S / 10)


@pytest.mark.parametrize(
    "sent",
    [b"", b"POST /mcp HT", HEAD, HEAD + b'{"jsonrpc"', HEALTH + HEAD[:40], HEALTH + HEAD],
    ids=["nothing", "half a line", "no body", "half a body", "half a second one", "no second body"],
)
async def test_a_request_that_does_not_arrive_whole_is_given_up_and_others_are_served(
    store_file: Path, sent: bytes
) -> None:
    async with served(store_file) as port, await anyio.connect_tcp("127.0.0.1", port) as line:
        began = anyio.current_time()
        if sent:
            await line.send(sent)
        async with httpx2.AsyncClient() as other:
            assert (await other.get(f"http://127.0.0.1:{port}/health")).status_code == 200
        with anyio.fail_after(5):
            await read_to_the_end(line)
        assert anyio.current_time() - began >= REQUEST_S - 0.05


async def test_bytes_that_trickle_in_do_not_prolong_the_time_of_a_request(store_file: Path) -> None:
    async with served(store_file) as port, await anyio.connect_tcp("127.0.0.1", port) as line:
        with anyio.fail_after(5), pytest.raises(anyio.BrokenResourceError):
            await trickle(line, HEAD + b" " * 900)


async def test_a_request_in_two_parts_is_answered_and_its_answer_may_take_longer(store_file: Path) -> None:
    async with served(store_file) as port, httpx2.AsyncClient(headers=ACCEPTS) as client:
        url = f"http://127.0.0.1:{port}/mcp"
        hello = await client.post(url, json=HELLO)
        session = {"Mcp-Session-Id": hello.headers["mcp-session-id"], "MCP-Protocol-Version": "2025-11-25"}
        async with client.stream("GET", url, headers=session) as stream:
            assert stream.status_code == 200
            with anyio.move_on_after(2 * REQUEST_S) as listening:
                async for _ in stream.aiter_raw():
                    pass
            assert listening.cancelled_caught  # an open stream outlasts the time of a request


async def test_a_session_over_the_limit_is_refused_until_another_ends(store_file: Path) -> None:
    assert HttpLimits().sessions <= 1_000
    async with served(store_file, HttpLimits(sessions=3)) as port, httpx2.AsyncClient(headers=ACCEPTS) as client:
        url = f"http://127.0.0.1:{port}/mcp"
        opened = [await client.post(url, json=HELLO) for _ in range(4)]
        assert [one.status_code for one in opened] == [200, 200, 200, 503]
        session = {"Mcp-Session-Id": opened[0].headers["mcp-session-id"], "MCP-Protocol-Version": "2025-11-25"}
        assert (await client.delete(url, headers=session)).status_code == 200
        assert (await client.post(url, json=HELLO)).status_code == 200
