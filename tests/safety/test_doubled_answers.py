"""A proxy that sends each answer to a write twice: neither copy is taken for the answer to another request."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import anyio
import pytest
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.buffered import BufferedByteReceiveStream
from mcp import Client

from safety.account import Agent
from safety.crms import CRMS, SandboxedCrm
from taskhand.sandbox.server import serve_sandbox
from taskhand.server.app import create_server
from virtual_time import Time


@asynccontextmanager
async def doubling(url: str) -> AsyncIterator[str]:
    """Serve `url` with every answer to a write twice."""
    port = urlsplit(url).port or 0

    async def relay(client: ByteStream) -> None:
        asked = BufferedByteReceiveStream(client)
        async with client, await anyio.connect_tcp("127.0.0.1", port) as server:
            answered = BufferedByteReceiveStream(server)
            while (request := await message(asked)) is not None:
                await server.send(request)
                answer = await message(answered) or b""
                await client.send(answer if request.startswith(b"GET ") else answer * 2)

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, relay)
        yield f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}"  # noqa: S610  anyio's
        group.cancel_scope.cancel()


async def message(stream: BufferedByteReceiveStream) -> bytes | None:
    """The next request or response of a connection, whole; None at its end."""
    try:
        head = await stream.receive_until(b"\r\n\r\n", 65_536) + b"\r\n\r\n"
    except (anyio.IncompleteRead, anyio.BrokenResourceError):
        return None
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    return head + (await stream.receive_exactly(int(length[1])) if length and int(length[1]) else b"")


@pytest.mark.parametrize("crm", CRMS, ids=str)
async def test_an_answer_that_is_sent_twice_is_the_answer_to_one_request(crm: SandboxedCrm) -> None:
    time = Time()
    sandbox = crm.sandbox(4, time, ())
    ids = crm.ids(4)
    async with (
        serve_sandbox(sandbox) as behind,
        doubling(behind) as url,
        crm.sandboxed_app(url, time) as app,
        Client(create_server(app)) as client,
    ):
        agent = Agent(client, crm.needs)
        made = [
            (await agent("create_task", title=title, responsibleIds=["me"], priority="1"))["task"]
            for title in ("Send it", "Send it again")
        ]
        many = await agent("bulk_update_tasks", taskIds=ids[:3], changes={"responsibleIds": ["Ana Soto"]})
        one = await agent("update_task", id=ids[3], title="Call Acme again")
        plan = await agent("delete_task", id=made[0]["id"])
        await agent("apply_plan", planId=plan["planId"])
        listed = await agent("list_tasks")
    now = crm.tasks(sandbox)
    assert [task["title"] for task in made] == ["Send it", "Send it again"]
    assert (many["totals"], one["changed"].keys()) == ({"applied": 3}, {"title"})
    assert {now[task_id].responsible_ids for task_id in ids[:3]} == {(crm.ana,)}
    assert now.keys() == {task["id"] for task in listed["tasks"]} == {*ids, made[1]["id"]}
    assert (now[ids[3]].title, now[made[1]["id"]].title) == ("Call Acme again", "Send it again")
