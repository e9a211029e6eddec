"""The limits of each caller over HTTP: rate, concurrent requests and streams, sizes, wrong keys."""

import gc
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import httpx2
import pytest
from mcp.types import INTERNAL_ERROR, INVALID_REQUEST
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from server.transports.http_server import HELLO, client_at, read_to_the_end, served, session_of
from taskhand.server.transports.caller_limit_middleware import LimitedCallers
from taskhand.server.transports.caller_sessions import HeldSessions
from taskhand.server.transports.caller_usage import CallerLimits
from taskhand.server.transports.counted_request import CountedRequest, OverLimit
from taskhand.server.transports.http_limits import HttpLimits
from taskhand.server.transports.http_refusal_log import RefusalLines, quiet_libraries
from taskhand.server.transports.request_limiter import limit_requests
from taskhand.server.transports.token_bucket import TokenBucket
from time_limits import BOUND_S

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
HEAD = "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


@dataclass
class Clock:
    """A clock that stands still."""

    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_the_limits_are_far_above_the_needs_of_agents() -> None:
    limits = HttpLimits()
    assert limits.requests_s >= 100
    assert limits.open_requests >= 64
    assert limits.sessions == 1_000
    assert limits.sessions_of_one < limits.sessions / 2
    assert limits.connections_of_one < limits.connections / 2


def test_requests_are_let_through_at_the_rate_and_twice_as_many_at_once() -> None:
    clock = Clock()
    callers = CallerLimits(HttpLimits(requests_s=10), clock)

    def let_through(caller: str, tries: int) -> int:
        return [callers.refuse_rate(caller) is None for _ in range(tries)].count(True)

    assert let_through("ana", 50) == 20
    assert let_through("ana", 50) == 0
    assert let_through("leo", 50) == 20  # another caller has its own
    clock.now += 0.5
    assert let_through("ana", 50) == 5
    refusal = callers.refuse_rate("ana")
    assert refusal is not None
    assert (refusal.status, refusal.limit, refusal.retry_after_s) == (429, "requests_a_second", 1)
    clock.now += 3_600
    assert let_through("ana", 50) == 20
    unlimited = CallerLimits(HttpLimits(requests_s=0), clock)
    assert not any(unlimited.refuse_rate("ana") for _ in range(5_000))


def test_a_caller_is_remembered_as_long_as_something_counts() -> None:
    clock = Clock()
    callers = CallerLimits(HttpLimits(requests_s=10, open_streams=1), clock)
    assert callers.begin("ana", is_stream=True) is None
    clock.now += 60
    for number in range(5_000):
        assert callers.refuse_rate(f"caller {number}") is None
        clock.now += 0.1
    assert callers.begin("ana", is_stream=True) is not None
    callers.end("ana", is_stream=True)
    assert callers.begin("ana", is_stream=True) is None


def test_the_rate_of_a_caller_counts_however_many_callers_come_meanwhile() -> None:
    callers = CallerLimits(HttpLimits(requests_s=10), Clock())
    while callers.refuse_rate("ana") is None:
        pass
    assert all(callers.refuse_rate(f"caller {number}") is None for number in range(2_000))
    assert callers.refuse_rate("ana") is not None


def test_bytes_that_have_not_arrived_whole_count_however_many_callers_come_meanwhile() -> None:
    clock = Clock()
    callers = CallerLimits(HttpLimits(requests_s=10, arriving_bytes=1_000, small_bytes=100), clock)
    assert callers.receive("ana", 900, 0) is None
    for number in range(2_000):
        clock.now += 1
        assert callers.refuse_rate(f"caller {number}") is None
    assert callers.receive("ana", 200, 900) is not None


def test_callers_that_left_are_forgotten() -> None:
    clock = Clock()
    callers = CallerLimits(HttpLimits(requests_s=10, wrong_keys=20), clock)
    before = count_buckets()
    for number in range(5_000):
        assert callers.refuse_rate(f"caller {number}") is None
        assert callers.refuse_key(f"address {number}") is None
        clock.now += 60
    assert count_buckets() - before <= 2 * 1_000


def count_buckets() -> int:
    """How many callers and addresses are remembered in this process."""
    return sum(isinstance(one, TokenBucket) for one in gc.get_objects())


def test_open_requests_and_open_streams_are_counted_apart_and_a_refused_one_is_not_counted() -> None:
    callers = CallerLimits(HttpLimits(open_requests=2, open_streams=1), Clock())

    def begin(caller: str, kinds: str) -> list[object]:
        refusals = [callers.begin(caller, is_stream=kind == "stream") for kind in kinds.split()]
        return [None if one is None else (one.status, one.limit, one.retry_after_s) for one in refusals]

    too_many_requests, too_many_streams = (429, "open_requests", 1), (429, "open_streams", 1)
    assert begin("ana", "call call call call") == [None, None, too_many_requests, too_many_requests]
    assert begin("ana", "stream stream") == [None, too_many_streams]
    assert begin("leo", "call call stream") == [None, None, None]
    callers.end("ana", is_stream=False)
    assert begin("ana", "stream call call") == [too_many_streams, None, too_many_requests]
    callers.end("ana", is_stream=True)
    assert begin("ana", "call stream") == [too_many_requests, None]


def test_wrong_keys_are_counted_by_address_and_forgiven_one_by_one() -> None:
    clock = Clock()
    callers = CallerLimits(HttpLimits(wrong_keys=20), clock)
    assert [callers.refuse_key("192.0.2.1") is None for _ in range(30)] == [True] * 20 + [False] * 10
    assert callers.refuse_key("192.0.2.2") is None
    refusal = callers.refuse_key("192.0.2.1")
    assert refusal is not None
    assert refusal.retry_after_s == 3
    clock.now += 3
    assert callers.refuse_key("192.0.2.1") is None
    assert callers.refuse_key("192.0.2.1") is not None


def test_the_log_has_a_line_a_second_for_each_limit(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    lines = RefusalLines(clock)
    for _ in range(1_000):
        lines.note("requests_a_second", "address 192.0.2.1")
        lines.note("open_streams", "address 192.0.2.2")
    clock.now += 1
    lines.note("requests_a_second", "address 192.0.2.3")
    assert [record.getMessage() for record in caplog.records] == [
        "Over the limit requests_a_second: 1 times, last by address 192.0.2.1.",
        "Over the limit open_streams: 1 times, last by address 192.0.2.2.",
        "Over the limit requests_a_second: 1000 times, last by address 192.0.2.3.",
    ]


def test_the_library_warns_once_a_second_of_each_matter_and_never_with_the_id_of_a_session(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, logger = Clock(), logging.getLogger("mcp.server.streamable_http_manager")
    with quiet_libraries(clock):
        for seconds in (0.0, 0.5, 0.5):
            clock.now += seconds
            logger.warning("Rejecting request for session %s: credential does not match", "0a" * 16)
        for _ in range(2):
            logger.error("An error is always logged.")
    logger.warning("As before.")
    rejected = "Rejecting request for session ...: credential does not match"
    errors = ["An error is always logged."] * 2
    assert [record.getMessage() for record in caplog.records] == [rejected, rejected, *errors, "As before."]


@asynccontextmanager
async def two_callers(store: Path, limits: HttpLimits) -> AsyncIterator[tuple[httpx2.AsyncClient, httpx2.AsyncClient]]:
    """Clients of one server at two addresses."""
    async with served(store, limits) as port, client_at("127.0.0.1") as one, client_at("127.0.0.2") as two:
        one.base_url = two.base_url = httpx2.URL(f"http://127.0.0.1:{port}")
        yield one, two


async def test_too_many_requests_of_an_address_get_429_and_another_address_is_served(store_file: Path) -> None:
    async with two_callers(store_file, HttpLimits(requests_s=0.01)) as (one, two):
        assert (await one.post("/mcp", json=HELLO)).status_code == 200
        refused = await one.post("/mcp", json=HELLO)
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 100
        error = refused.json()["error"]
        assert error["code"] == INTERNAL_ERROR
        assert error["message"].startswith("Too many requests: more than 0.01 requests a second of one caller. Try ")
        assert error["data"] == {
            "code": "too_many_requests",
            "limit": "requests_a_second",
            "retryable": True,
            "retry_after_s": int(refused.headers["retry-after"]),
        }
        for path in ("/health", "/ready"):
            assert (await one.get(path)).status_code == 200  # an orchestrator at the same address
        assert (await two.post("/mcp", json=HELLO)).status_code == 200


def test_a_big_body_is_refused_while_the_caller_has_many_arriving_bytes() -> None:
    callers = CallerLimits(HttpLimits(arriving_bytes=1_000, small_bytes=100), Clock())
    assert callers.receive("ana", 900, 0) is None
    assert callers.receive("ana", 100, 0) is None
    refusal = callers.receive("ana", 1, 100)
    assert refusal is not None
    assert (refusal.status, refusal.limit) == (429, "arriving_bytes")
    assert callers.receive("ana", 100, 0) is None
    assert callers.receive("leo", 900, 0) is None
    callers.forget("ana", 1_101)
    assert callers.receive("ana", 1_000, 0) is None


def test_programs_on_one_machine_share_the_limit_of_all_callers() -> None:
    limits = HttpLimits.of_this_machine()
    assert limits.requests_s == 0
    assert limits.sessions_of_one == limits.open_requests == limits.open_streams == limits.sessions
    assert limits.connections_of_one == limits.connections


async def test_the_number_of_open_streams_of_an_address_is_limited(store_file: Path) -> None:
    async with two_callers(store_file, HttpLimits(open_streams=1)) as (one, two):
        session = session_of(await one.post("/mcp", json=HELLO))
        async with one.stream("GET", "/mcp", headers=session) as stream:
            assert stream.status_code == 200
            refused = await one.get("/mcp")
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
            assert refused.json()["error"]["data"]["limit"] == "open_streams"
            assert (await two.get("/mcp")).status_code == 400
            assert (await one.post("/mcp", json=PING, headers=session)).status_code == 200
        with anyio.fail_after(BOUND_S):
            while (await one.get("/mcp")).status_code == 429:
                await anyio.lowlevel.checkpoint()


async def test_the_number_of_concurrent_requests_of_an_address_is_limited() -> None:
    limits, clock = HttpLimits(open_requests=1, requests_s=0), Clock()
    begun, may_end = anyio.Event(), anyio.Event()

    async def slow_app(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body", False):
            pass
        begun.set()
        await may_end.wait()
        await Response("done")(scope, receive, send)

    limited = LimitedCallers(
        slow_app, callers=CallerLimits(limits, clock), sessions=HeldSessions(limits, clock), lines=RefusalLines(clock)
    )

    def client(address: str) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            transport=httpx2.ASGITransport(limited, client=(address, 1)), base_url="http://localhost"
        )

    async with client("192.0.2.1") as one, client("192.0.2.2") as two, anyio.create_task_group() as tasks:
        tasks.start_soon(one.post, "/mcp")
        await begun.wait()
        refused = await one.post("/mcp")
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        assert refused.json()["error"]["data"]["limit"] == "open_requests"
        may_end.set()
        assert (await two.post("/mcp")).status_code == 200
        assert (await one.post("/mcp")).status_code == 200


@pytest.mark.parametrize("is_declared", [True, False])
async def test_a_body_over_the_limit_is_refused_with_the_limit(store_file: Path, *, is_declared: bool) -> None:
    body = json.dumps(PING | {"params": {"text": "x" * 100_000}}).encode()

    async def parts() -> AsyncIterator[bytes]:
        yield body[:10]
        yield body[10:]

    kind = {"Content-Type": "application/json"}
    async with two_callers(store_file, HttpLimits(body_bytes=65_536)) as (one, _):
        refused = await one.post("/mcp", content=body if is_declared else parts(), headers=kind)
        assert refused.status_code == 413
        error = refused.json()["error"]
        assert error["code"] == INVALID_REQUEST
        assert error["data"] == {"code": "request_too_large", "limit": "body_bytes", "retryable": False}
        assert "at most 65536 bytes" in error["message"]
        assert (await one.post("/mcp", json=HELLO)).status_code == 200


async def test_a_long_address_is_refused_as_headers_are(store_file: Path) -> None:
    async with two_callers(store_file, HttpLimits()) as (one, _):
        for path in ("/mcp?" + "x" * 20_000, "/" + "x" * 20_000):
            assert (await one.get(path)).status_code == 431


@pytest.mark.parametrize(
    ("headers", "in_parts"),
    [
        ("".join(f"X-{number}: 1\r\n" for number in range(200)), False),
        (f"X: {'x' * 20_000}\r\n", False),
        (f"X: {'x' * 20_000}\r\n", True),
        ("X: x\r\n" * 100_000, True),
    ],
    ids=["many", "large", "large, in parts", "without an end"],
)
async def test_too_many_or_too_large_headers_are_refused(store_file: Path, headers: str, *, in_parts: bool) -> None:
    sent = f"{HEAD}{headers}Content-Length: 2\r\n\r\n{{}}".encode()
    async with served(store_file) as port, await anyio.connect_tcp("127.0.0.1", port) as line:
        for part in (sent[:18_000], sent[18_000:]) if in_parts else (sent,):
            await line.send(part)
            if in_parts:
                await anyio.wait_all_tasks_blocked()
        with anyio.fail_after(BOUND_S):
            answer = await line.receive()
        assert answer.split()[1] == b"431"
        assert b" at most " in answer
        if in_parts:
            await read_to_the_end(line)


async def test_bytes_of_an_aborted_request_no_longer_count() -> None:
    callers = CallerLimits(HttpLimits(small_bytes=10, arriving_bytes=100), Clock())

    async def receive() -> Message:
        return {"type": "http.request", "body": b"x" * 80, "more_body": True}

    async def send(_: Message) -> None:
        raise AssertionError("nothing is answered here")

    for _ in range(2):
        with CountedRequest(receive, send, callers, "ana", is_stream=False) as request:
            await request.receive()
    with CountedRequest(receive, send, callers, "ana", is_stream=False) as request:
        await request.receive()
        with pytest.raises(OverLimit):
            await request.receive()


async def test_a_request_counts_until_its_answer_is_sent_and_not_while_the_application_still_works() -> None:
    callers = CallerLimits(HttpLimits(open_requests=1), Clock())

    async def receive() -> Message:
        return {"type": "http.request", "body": b"{}"}

    async def send(_: Message) -> None:
        """Send nothing."""

    with CountedRequest(receive, send, callers, "ana", is_stream=False) as request:
        await request.receive()
        await request.send({"type": "http.response.body", "body": b"{", "more_body": True})
        assert callers.begin("ana", is_stream=False) is not None
        await request.send({"type": "http.response.body", "body": b"}"})
        assert callers.begin("ana", is_stream=False) is None


@pytest.mark.parametrize("path", ["/mcp", "/link/1"])
async def test_the_body_of_an_answer_that_is_replaced_is_not_sent(path: str) -> None:
    sent: list[Message] = []
    limits, clock = HttpLimits(), Clock()

    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        await Response("too large", 413)(scope, receive, send)

    async def receive() -> Message:
        raise AssertionError("nothing is read here")

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "raw_path": b"", "query_string": b"", "headers": []}
    app = limit_requests(refuse, limits, CallerLimits(limits, clock), RefusalLines(clock))
    await app(scope, receive, send)
    assert [one["type"] for one in sent] == ["http.response.start", "http.response.body"]
    if path == "/mcp":
        assert json.loads(sent[1]["body"])["error"]["data"]["limit"] == "body_bytes"
    else:
        assert sent[1]["body"] == b"too large", "a page has its own answer"
