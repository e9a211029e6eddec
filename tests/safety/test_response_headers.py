"""Headers of an answer that are not ASCII, or no headers at all: the call goes on, on every CRM."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import anyio
import pytest
from anyio.abc import ByteStream, SocketAttribute
from mcp import Client
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from safety.account import Agent
from safety.crms import CRMS, SandboxedCrm
from taskhand.sandbox.server import serve_sandbox
from taskhand.server.app import create_server
from virtual_time import Time

ODD = ("caf\xe9".encode("latin-1"), "café".encode(), b"\xff\xfe", "٣".encode())
READ_BY_TASKHAND = (
    "ratelimit",
    "retry-after",
    "content-encoding",
    "x-hubspot-ratelimit-remaining",
    "x-hubspot-ratelimit-interval-milliseconds",
    "x-hubspot-ratelimit-daily-remaining",
)


class ExtraHeaderCrm:
    """A CRM that sends one more header with each answer."""

    def __init__(self, crm: ASGIApp, name: str, value: bytes) -> None:
        self._crm = crm
        self._header = (name.encode(), value)

    @property
    def app(self) -> ASGIApp:
        """The application to serve."""
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], self._header]
            await send(message)

        await self._crm(scope, receive, answer)


@pytest.mark.parametrize("crm", CRMS, ids=str)
async def test_a_header_that_is_not_ascii_breaks_no_call(crm: SandboxedCrm) -> None:
    for name, value in [("x-note", odd) for odd in ODD] + [(name, ODD[0]) for name in READ_BY_TASKHAND]:
        time = Time()
        sandbox = crm.sandbox(1, time, ())
        async with (
            serve_sandbox(ExtraHeaderCrm(sandbox.app, name, value)) as url,
            crm.sandboxed_app(url, time) as app,
            Client(create_server(app)) as client,
        ):
            agent = Agent(client, crm.needs)
            written = await agent("create_task", title="Call Acme again", responsibleIds=["me"], priority="1")
            assert written["task"]["title"] == "Call Acme again", name
        assert len(sandbox.tasks) == 2, name
        assert [one.status for one in sandbox.requests if (one.status or 0) >= 400] == [], name


JUNK = (
    b"X-Caf\xe9: 1",
    b"no colon at all",
    b"X-Note : spaced",
    b"X-\x00-Note: NUL",
    b"X-Note: a bare\rCR",
    b"X-Note : folded\r\n  twice",
    b"X-Note: folded\r\n  twice",
    b"X-Long: " + b"x" * 20_000,
    *(b"X-Many-%d: 1" % number for number in range(200)),
)


@pytest.mark.parametrize("crm", CRMS, ids=str)
async def test_malformed_header_lines_do_not_break_reads_or_writes(crm: SandboxedCrm) -> None:
    time = Time()
    sandbox = crm.sandbox(1, time, ())
    async with (
        serve_sandbox(sandbox) as behind,
        inserting(behind, b"\r\n".join(JUNK)) as url,
        crm.sandboxed_app(url, time) as app,
        Client(create_server(app)) as client,
    ):
        agent = Agent(client, crm.needs)
        written = await agent("create_task", title="Call Acme again", responsibleIds=["me"], priority="1")
        changed = await agent("update_task", id=written["task"]["id"], title="Call Acme once more")
        listed = await agent("list_tasks")
    assert (written["task"]["title"], changed["task"]["title"]) == ("Call Acme again", "Call Acme once more")
    assert "Call Acme once more" in {task["title"] for task in listed["tasks"]}
    assert len(sandbox.tasks) == 2
    assert [one.status for one in sandbox.requests if (one.status or 0) >= 400] == []


@asynccontextmanager
async def inserting(url: str, lines: bytes) -> AsyncIterator[str]:
    """Serve `url` with these lines after the first one of every answer, which no HTTP server would send."""
    port = urlsplit(url).port or 0

    async def relay(client: ByteStream) -> None:
        async with client, await anyio.connect_tcp("127.0.0.1", port) as server, anyio.create_task_group() as group:

            async def ask() -> None:
                async for chunk in client:
                    await server.send(chunk)
                group.cancel_scope.cancel()

            group.start_soon(ask)
            async for chunk in server:
                is_head = chunk.startswith(b"HTTP/1.1 ")
                await client.send(chunk.replace(b"\r\n", b"\r\n" + lines + b"\r\n", 1) if is_head else chunk)

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, relay)
        yield f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}"  # noqa: S610  anyio's
        group.cancel_scope.cancel()
