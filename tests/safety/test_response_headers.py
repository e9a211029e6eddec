"""A header of an answer that is not ASCII: the call goes on, on every CRM."""

import pytest
from mcp import Client
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from passing import Time
from safety.account import Agent
from safety.crms import CRMS, Crm
from taskhand.sandbox.server import serve
from taskhand.server.app import create_server

ODD = ("caf\xe9".encode("latin-1"), "café".encode(), b"\xff\xfe", "٣".encode())
READ_BY_TASKHAND = (
    "ratelimit",
    "retry-after",
    "content-encoding",
    "x-hubspot-ratelimit-remaining",
    "x-hubspot-ratelimit-interval-milliseconds",
    "x-hubspot-ratelimit-daily-remaining",
)


class WithHeader:
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
async def test_a_header_that_is_not_ascii_breaks_no_call(crm: Crm) -> None:
    for name, value in [("x-note", odd) for odd in ODD] + [(name, ODD[0]) for name in READ_BY_TASKHAND]:
        time = Time()
        there = crm.sandbox(1, time, ())
        async with (
            serve(WithHeader(there.app, name, value)) as url,
            crm.wired(url, time) as app,
            Client(create_server(app)) as client,
        ):
            agent = Agent(client, crm.needs)
            written = await agent("create_task", title="Call Acme again", responsibleIds=["me"], priority="1")
            assert written["task"]["title"] == "Call Acme again", name
        assert len(there.tasks) == 2, name
        assert [one.status for one in there.requests if (one.status or 0) >= 400] == [], name
