"""One attempt: whether each failure proves that the request was not sent, and the time limits of its parts."""

from __future__ import annotations

import gzip
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio
import httpx2
import pytest

from taskhand.domain.errors import OutcomeUnknown, UpstreamError, UpstreamFailed
from taskhand.http.attempt import send_once
from taskhand.http.retry import AttemptEnd
from taskhand.http.upstream import Limits
from taskhand.http.url_path import Path
from time_limits import BOUND_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from http.conftest import Clients, Server, Steps, Time

TASKS = Path.of("/tasks")


class FailingTransport(httpx2.AsyncBaseTransport):
    """A transport that always fails in one way."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def handle_async_request(self, _request: httpx2.Request) -> httpx2.Response:
        raise self._error


class RecordingTransport(httpx2.AsyncBaseTransport):
    """A transport that asks to wait 18 seconds once and then succeeds, and records the timeouts of each attempt."""

    def __init__(self) -> None:
        self.timeouts: list[dict[str, float]] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.timeouts.append(request.extensions["timeout"])
        is_first = len(self.timeouts) == 1
        headers = {"retry-after": "18"} if is_first else {}
        return httpx2.Response(503 if is_first else 200, headers=headers, stream=httpx2.ByteStream(b"{}"))


class EndlessBody(httpx2.AsyncByteStream):
    """A body without an end."""

    def __init__(self) -> None:
        self.is_closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 600

    async def aclose(self) -> None:
        """Remember it."""
        self.is_closed = True


class FailingBody(EndlessBody):
    """A body that fails after its beginning."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"{"
        raise self._error


class FixedAnswerTransport(httpx2.AsyncBaseTransport):
    """A transport that answers with this body."""

    def __init__(self, body: httpx2.AsyncByteStream) -> None:
        self._body = body

    async def handle_async_request(self, _request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, stream=self._body)


@pytest.mark.parametrize(
    ("error", "event"),
    [
        (httpx2.ConnectError(""), AttemptEnd.UNREACHED),
        (httpx2.ConnectTimeout(""), AttemptEnd.UNREACHED),
        (httpx2.PoolTimeout(""), AttemptEnd.UNREACHED),
        (httpx2.ProxyError(""), AttemptEnd.UNREACHED),
        (httpx2.ReadTimeout(""), AttemptEnd.TIMED_OUT),
        (httpx2.WriteTimeout(""), AttemptEnd.TIMED_OUT),
        (httpx2.ReadError(""), AttemptEnd.BROKEN),
        (httpx2.WriteError(""), AttemptEnd.BROKEN),
        (httpx2.RemoteProtocolError(""), AttemptEnd.BROKEN),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
async def test_distinguishes_failures_before_sending_from_failures_after(error: Exception, event: AttemptEnd) -> None:
    attempt = await send_once(
        FailingTransport(error), httpx2.Request("POST", "https://crm.test/"), within_s=1.0, body_bytes=1_000
    )
    assert (attempt.event, attempt.cause, attempt.answer) == (event, type(error).__name__, None)


async def test_names_a_silent_server_and_a_broken_connection_apart(
    clients: Clients, server: Server, steps: type[Steps]
) -> None:
    client = await clients(server.url)
    for step, sentence in ((steps.SILENT, "did not answer in time"), (steps.NOT_HTTP, "broke the connection off")):
        server.steps = [step]
        with pytest.raises(UpstreamError, match=sentence):
            await client.get(TASKS)


async def test_limits_each_part_of_an_attempt_to_the_time_left_of_the_call(clients: Clients) -> None:
    recording = RecordingTransport()
    limits = Limits(connect_s=5.0, read_s=15.0, total_s=20.0)
    await (await clients("http://127.0.0.1:1", limits=limits, transport=recording)).get(TASKS)
    first, second = recording.timeouts
    assert first == {"connect": 5.0, "read": 15.0, "write": 15.0, "pool": 18.0}
    assert second == {"connect": 1.8, "read": 2.0, "write": 2.0, "pool": 1.8}


async def test_a_write_waits_only_if_time_is_left_to_read_it_back(
    clients: Clients, server: Server, steps: type[Steps], time: Time
) -> None:
    client = await clients(server.url, limits=Limits(total_s=20.0))
    server.steps = [steps.answer(503, retry_after="17"), steps.answer(200)] * 2
    assert (await client.get(TASKS)).status == 200
    assert time.now == 1_017.0
    with pytest.raises(UpstreamFailed) as caught:
        await client.put(TASKS)
    assert (caught.value.retry_after_s, time.now) == (17.0, 1_017.0)


async def test_does_not_take_a_body_cut_at_the_limit_for_a_complete_one(
    clients: Clients, server: Server, steps: type[Steps]
) -> None:
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    server.steps = [type(steps.CUT)(chunked + b"4\r\n1234\r\n", then="hang")]
    client = await clients(server.url, limits=Limits(read_s=0.1, body_bytes=4))
    with pytest.raises(UpstreamError) as caught:
        await client.get(TASKS)
    assert caught.value.code == "upstream_invalid"


async def test_a_body_that_is_not_read_to_its_end_is_closed_at_once() -> None:
    body, request = EndlessBody(), httpx2.Request("GET", "https://crm.test/")
    attempt = await send_once(FixedAnswerTransport(body), request, within_s=1.0, body_bytes=1_000)
    assert (attempt.event, body.is_closed) == (AttemptEnd.OVERSIZED, True)


@pytest.mark.parametrize(
    ("error", "event"), [(TimeoutError(), AttemptEnd.TIMED_OUT), (httpx2.ReadError(""), AttemptEnd.CUT)]
)
async def test_a_body_that_fails_came_too_late_or_was_cut(error: Exception, event: AttemptEnd) -> None:
    transport, request = FixedAnswerTransport(FailingBody(error)), httpx2.Request("GET", "https://crm.test/")
    assert (await send_once(transport, request, within_s=1.0, body_bytes=1_000)).event is event


async def test_a_too_large_answer_releases_its_connection(clients: Clients, server: Server, steps: type[Steps]) -> None:
    server.steps = [steps.answer(200, b'"' + b"x" * 200_000 + b'"'), steps.answer(200)]
    pool = httpx2.AsyncHTTPTransport(limits=httpx2.Limits(max_connections=1))
    client = await clients(server.url, limits=Limits(read_s=0.5, body_bytes=1_000), transport=pool)
    with pytest.raises(UpstreamError):
        await client.get(TASKS)
    with anyio.fail_after(BOUND_S):
        assert (await client.get(TASKS)).status == 200


@pytest.mark.parametrize(
    ("body", "event"),
    [
        (b"{}", AttemptEnd.CUT),
        (gzip.compress(b"{}", mtime=0)[:-4], AttemptEnd.CUT),
        (gzip.compress(b"x" * 200_000, mtime=0), AttemptEnd.OVERSIZED),
        (b"x" * 2_000, AttemptEnd.OVERSIZED),
        (gzip.compress(b"{}", mtime=0), AttemptEnd.SUCCEEDED),
    ],
    ids=["not compressed", "cut", "large", "large and not compressed", "whole"],
)
async def test_a_compressed_answer_is_cut_or_too_large_or_whole(
    server: Server, steps: type[Steps], body: bytes, event: AttemptEnd
) -> None:
    server.steps = [steps.answer(200, body, content_encoding="gzip")]
    async with httpx2.AsyncHTTPTransport() as transport:
        request = httpx2.Request("GET", server.url)
        assert (await send_once(transport, request, within_s=5.0, body_bytes=1_000)).event is event


async def test_a_write_whose_answer_is_too_large_is_reported_with_that_reason(
    clients: Clients, server: Server, steps: type[Steps]
) -> None:
    server.steps = [steps.answer(200, b'"' + b"x" * 200_000 + b'"')]
    client = await clients(server.url, limits=Limits(body_bytes=1_000))
    with pytest.raises(OutcomeUnknown, match="larger than is accepted") as caught:
        await client.put(TASKS)
    assert caught.value.code == "upstream_invalid"


AMBIGUOUS = (
    b"Content-Length: 999",
    b"Content-Length : 1",
    b"Content-Length: 1\xe9",
    b"X-Note: a\rContent-Length: 1",
    b"Transfer-Encoding : chunked",
    b"Transfer-Encoding: gzip, chunked",
    b" Content-Length: 1",
    b"\x00Transfer-Encoding: chunked",
)
"""Lines after which nobody knows where the body ends."""


async def test_a_line_that_makes_the_end_of_a_body_ambiguous_leaves_a_write_in_doubt(
    clients: Clients, server: Server, steps: type[Steps]
) -> None:
    whole = steps.answer(200)
    server.steps = [replace(whole, send=whole.send.replace(b"\r\n", b"\r\n" + head + b"\r\n", 1)) for head in AMBIGUOUS]
    client = await clients(server.url)
    for _ in AMBIGUOUS:
        with pytest.raises(OutcomeUnknown):
            await client.post(TASKS)
    assert len(server.received) == len(AMBIGUOUS)


async def test_sends_the_head_and_the_body_of_a_request_at_once(clients: Clients, server: Server) -> None:
    client = await clients(server.url)
    await client.get(TASKS)
    await client.put(TASKS, json={"title": "a"})
    read, written = server.received
    assert read.at_once.endswith(b"\r\n\r\n")
    assert written.at_once.endswith(b"\r\n\r\n" + written.body)
    assert written.body
    assert server.connections == 1
