from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio
import httpx2
import pytest
from opentelemetry.trace import SpanKind

from taskhand.call.background_requests import idle_share
from taskhand.call.change_ownership import own_writes
from taskhand.call.deadline import Deadline
from taskhand.call.request_log import recorded_requests
from taskhand.domain.errors import (
    NotAttempted,
    OutcomeUnknown,
    RateLimited,
    TaskhandError,
    UpstreamError,
    UpstreamFailed,
)
from taskhand.http.origin import Origin
from taskhand.http.rate_headers import RateHeaders
from taskhand.http.rate_limiter import Rate, RateLimiter
from taskhand.http.request import Request
from taskhand.http.retry import RequestKind, RetryPolicy
from taskhand.http.transport import RetryTransport, TransportConfig
from taskhand.http.upstream import Limits, Upstream
from taskhand.http.url_path import Path
from time_limits import BOUND_S

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from http.conftest import Clients, Memory, Server, Step, Steps, Time

    from taskhand.http.client import Client
    from taskhand.http.upstream import Runtime

TASK = Path.of("/tasks/{id}", id="7")
TASKS = Path.of("/tasks")
GET = Request.of("GET", TASK)
SEARCH = Request.of("POST", TASKS, json={}, kind=RequestKind.READ)
POST = Request.of("POST", TASKS, json={"title": "a"})
PUT = Request.of("PUT", TASK, json={"title": "a"})
PATCH = Request.of("PATCH", TASK, json={"title": "a"})
DELETE = Request.of("DELETE", TASK)
SAFE_PUT = Request.of("PUT", TASK, json={"title": "a"}, kind=RequestKind.REPLAY)
SAFE_DELETE = Request.of("DELETE", TASK, kind=RequestKind.REPLAY)
READS = [GET, SEARCH]
SAFE = [SAFE_PUT, SAFE_DELETE]
WRITES = [PUT, PATCH, DELETE]
LOSSES = ["SILENT", "RESET_AFTER_READING", "CLOSED_AFTER_READING", "NOT_HTTP", "CUT", "STALLED"]


def call_name(call: object) -> str:
    return f"{call.kind.name}-{call.method}" if isinstance(call, Request) else str(call)


def loss(steps: type[Steps], name: str) -> Step:
    step: Step = getattr(steps, name)
    return step


async def error_of(client: Client, call: Request) -> TaskhandError:
    with pytest.raises(TaskhandError) as caught:
        await client.send(call)
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None
    return caught.value


@pytest.mark.parametrize("name", [*LOSSES, "RESET_BEFORE_READING"])
@pytest.mark.parametrize("call", [*READS, *SAFE], ids=call_name)
async def test_a_repeatable_request_is_sent_again_after_any_loss(
    clients: Clients, server: Server, steps: type[Steps], call: Request, name: str
) -> None:
    server.steps = [loss(steps, name), steps.answer(200)]
    client = await clients(server.url)
    assert (await client.send(call)).status == 200
    assert client.request_count == 2


@pytest.mark.parametrize("name", [*LOSSES, "RESET_BEFORE_READING"])
@pytest.mark.parametrize("call", [POST, *WRITES], ids=call_name)
async def test_a_write_that_may_have_arrived_is_never_repeated(
    clients: Clients, server: Server, steps: type[Steps], call: Request, name: str
) -> None:
    server.steps = [loss(steps, name), steps.answer(200)]
    client = await clients(server.url)
    assert isinstance(await error_of(client, call), OutcomeUnknown)
    assert server.connections == client.request_count == 1


@pytest.mark.parametrize("status", [408, 502, 504, 520, 524])
async def test_a_gateway_error_repeats_reads_and_leaves_writes_in_doubt(
    clients: Clients, server: Server, steps: type[Steps], status: int
) -> None:
    client = await clients(server.url)
    for call in [*READS, *SAFE]:
        server.steps = [steps.answer(status), steps.answer(200)]
        assert (await client.send(call)).status == 200
    for call in [POST, *WRITES]:
        server.steps = [steps.answer(status), steps.answer(200)]
        assert isinstance(await error_of(client, call), OutcomeUnknown)
        assert len(server.steps) == 1  # the 200 was not asked for


@pytest.mark.parametrize("call", [*READS, *SAFE, *WRITES, POST], ids=call_name)
async def test_every_request_waits_out_a_429(
    clients: Clients, server: Server, steps: type[Steps], time: Time, call: Request
) -> None:
    server.steps = [steps.answer(429, retry_after="7"), steps.answer(200)]
    client = await clients(server.url)
    assert (await client.send(call)).status == 200
    assert time.now == 1007.0


@pytest.mark.parametrize("call", [*READS, *SAFE, *WRITES], ids=call_name)
async def test_every_request_except_a_create_waits_out_a_503(
    clients: Clients, server: Server, steps: type[Steps], call: Request
) -> None:
    server.steps = [steps.answer(503), steps.answer(200)]
    assert (await (await clients(server.url)).send(call)).status == 200


async def test_a_write_that_belongs_to_another_process_by_now_is_not_repeated(
    clients: Clients, server: Server, steps: type[Steps]
) -> None:
    owns = [True, False]

    async def is_own() -> bool:
        return owns.pop(0)

    own_writes(is_own)
    server.steps = [steps.answer(503), steps.answer(200)]
    assert isinstance(await error_of(await clients(server.url), PUT), NotAttempted)
    assert len(server.received) == 1


async def test_503_to_a_create_is_looked_up_first(clients: Clients, server: Server, steps: type[Steps]) -> None:
    server.steps = [steps.answer(503), steps.answer(200)]
    assert isinstance(await error_of(await clients(server.url), POST), OutcomeUnknown)
    assert len(server.received) == 1


async def test_500_is_repeated_for_reads_and_reported_for_writes(
    clients: Clients, server: Server, steps: type[Steps]
) -> None:
    client = await clients(server.url)
    for call in READS:
        server.steps = [steps.answer(500), steps.answer(200)]
        assert (await client.send(call)).status == 200
    for call in [POST, *WRITES, *SAFE]:
        server.steps = [steps.answer(500), steps.answer(200)]
        error = await error_of(client, call)
        assert (type(error), error.code) == (UpstreamFailed, "upstream_error")


@pytest.mark.parametrize("call", [*READS, *SAFE, *WRITES, POST], ids=call_name)
async def test_retries_everything_after_a_refused_connection_and_then_reports_it(
    clients: Clients, unused_port: int, time: Time, call: Request
) -> None:
    client = await clients(f"http://127.0.0.1:{unused_port}")
    error = await error_of(client, call)
    assert (type(error), error.code) == (UpstreamError, "upstream_error")
    assert client.request_count == 4
    assert time.slept == [0.25, 0.5, 1.0]  # half of 0.5, 1 and 2 seconds: the dice say 0.5


@pytest.mark.parametrize("call", [*READS, *SAFE, *WRITES, POST], ids=call_name)
async def test_retries_everything_after_a_connect_timeout_because_nothing_was_sent(
    clients: Clients, server: Server, steps: type[Steps], call: Request
) -> None:
    server.steps = [steps.SILENT]  # the TLS handshake gets no answer
    client = await clients(f"https://127.0.0.1:{server.port}", limits=Limits(connect_s=0.05))
    error = await error_of(client, call)
    assert (type(error), error.code, error.retryable) == (UpstreamError, "upstream_error", True)
    assert client.request_count == server.connections == 4


async def test_a_repeated_delete_that_finds_nothing_is_not_called_missing(
    clients: Clients, server: Server, steps: type[Steps]
) -> None:
    server.steps = [steps.RESET_AFTER_READING, steps.answer(404)]
    assert isinstance(await error_of(await clients(server.url), SAFE_DELETE), OutcomeUnknown)


async def test_a_write_stays_in_doubt_after_a_later_attempt_that_certainly_did_not_arrive(
    clients: Clients, server: Server, steps: type[Steps]
) -> None:
    server.steps = [steps.RESET_AFTER_READING, steps.answer(503), steps.answer(404)]
    client = await clients(server.url)
    assert isinstance(await error_of(client, SAFE_DELETE), OutcomeUnknown)
    assert client.request_count == 3


async def test_a_doubtful_write_stays_unknown_if_the_rate_limit_prevents_its_retry(
    clients: Clients, server: Server, steps: type[Steps], time: Time
) -> None:
    server.steps = [steps.answer(502, ratelimit="limit=9, remaining=0, reset=100"), steps.answer(200)]
    client = await clients(server.url)
    assert isinstance(await error_of(client, SAFE_PUT), OutcomeUnknown)
    assert client.request_count == 1
    assert time.now < 1020.0


async def test_retry_after_as_a_date_is_counted_from_the_upstreams_own_clock(
    clients: Clients, server: Server, steps: type[Steps], time: Time
) -> None:
    then, later = "Sun, 01 Mar 2026 12:00:00 GMT", "Sun, 01 Mar 2026 12:00:09 GMT"
    server.steps = [steps.answer(503, date=then, retry_after=later), steps.answer(200)]
    await (await clients(server.url)).send(GET)
    assert time.slept == [9.0]


async def test_counts_a_retry_after_date_from_our_clock_where_the_answer_has_no_date(
    clients: Clients, server: Server, steps: type[Steps], time: Time
) -> None:
    server.steps = [steps.answer(503, retry_after="Fri, 15 Jan 2027 08:00:09 GMT"), steps.answer(200)]
    await (await clients(server.url)).send(GET)
    assert time.slept == [9.0]


async def test_a_429_without_retry_after_reports_the_reset_of_a_spent_window_only(
    clients: Clients, server: Server, steps: type[Steps]
) -> None:
    for remaining, reported in ((0, 100.0), (1, None)):
        server.steps = [steps.answer(429, ratelimit=f"limit=9, remaining={remaining}, reset=100")]
        error = await error_of(await clients(server.url, limits=Limits(total_s=0.1)), GET)
        assert (type(error), error.retry_after_s) == (RateLimited, reported)


async def test_a_locked_record_is_left_alone_for_as_long_as_a_lock_lasts_also_where_less_is_asked(
    clients: Clients, server: Server, steps: type[Steps], time: Time
) -> None:
    server.steps = [steps.answer(423, retry_after="1"), steps.answer(423, retry_after="4"), steps.answer(200)]
    await (await clients(server.url)).send(PUT)
    assert [time.slept[0], time.now] == [2.5, 1006.5]


async def test_retry_after_beyond_the_cap_is_reported_and_not_waited_out(
    clients: Clients, server: Server, steps: type[Steps], time: Time
) -> None:
    server.steps = [steps.answer(429, retry_after="3600"), steps.answer(200)]
    client = await clients(server.url)
    error = await error_of(client, GET)
    assert (type(error), error.retry_after_s) == (RateLimited, 3600.0)
    assert (client.request_count, time.slept) == (1, [])


@pytest.mark.parametrize("asked", ["3600", "1000000000", "9" * 400])
async def test_a_429_holds_everyone_back_for_a_minute_at_most(
    clients: Clients, server: Server, steps: type[Steps], time: Time, asked: str
) -> None:
    server.steps = [steps.answer(429, retry_after=asked), steps.answer(200)]
    client = await clients(server.url)
    told = await error_of(client, GET)
    assert told.retry_after_s is not None
    assert told.retry_after_s <= 86_400.0
    time.now += 30.0
    error = await error_of(client, POST)
    assert (type(error), error.retry_after_s) == (RateLimited, 30.0)
    assert client.request_count == 1
    time.now += 30.0
    assert (await client.send(POST)).status == 200


async def test_a_failure_that_asks_to_wait_holds_nobody_else_back(
    clients: Clients, server: Server, steps: type[Steps], time: Time
) -> None:
    server.steps = [steps.answer(503, retry_after="3600"), steps.answer(200)]
    client = await clients(server.url)
    assert (await error_of(client, GET)).retry_after_s == 3600.0
    assert (await client.send(POST)).status == 200
    assert time.slept == []


async def test_a_call_without_time_for_its_turn_fails_with_nothing_sent(
    clients: Clients, server: Server, time: Time
) -> None:
    client = await clients(server.url, rate_limiter=RateLimiter(Rate(1, 25.0), monotonic=time.clock, sleep=time.sleep))
    await client.send(GET)
    for call, error in ((GET, UpstreamError), (PUT, NotAttempted), (POST, NotAttempted)):
        with pytest.raises(error, match="time ran out") as refused:
            await client.send(call)
        assert refused.value.retryable
    assert client.request_count == 1


async def test_a_background_request_is_refused_if_the_rate_is_needed_for_others(
    clients: Clients, server: Server, time: Time
) -> None:
    client = await clients(server.url, rate_limiter=RateLimiter(Rate(2, 9.0), monotonic=time.clock, sleep=time.sleep))
    await client.send(GET)
    with idle_share(), pytest.raises(RateLimited):
        await client.send(GET)
    assert client.request_count == 1


async def test_every_attempt_counts_against_the_rate_limit(
    clients: Clients, server: Server, steps: type[Steps], time: Time
) -> None:
    server.steps = [steps.answer(503, retry_after="0"), steps.answer(503, retry_after="0"), steps.answer(200)]
    rate_limiter = RateLimiter(Rate(1, 3.0), monotonic=time.clock, sleep=time.sleep)
    await (await clients(server.url, rate_limiter=rate_limiter)).send(GET)
    assert time.now == 1006.0


async def test_the_upstreams_own_headers_set_the_pace(
    clients: Clients, server: Server, steps: type[Steps], time: Time
) -> None:
    def of_ten_seconds(headers: Mapping[str, str]) -> RateHeaders | None:
        left = headers.get("x-acme-remaining")
        return None if left is None else RateHeaders(int(left), 10.0)

    server.steps = [steps.answer(200, x_acme_remaining="1"), steps.answer(200, x_acme_remaining="0"), steps.answer(200)]
    client = await clients(server.url, read_headers=of_ten_seconds)
    for _ in range(3):
        await client.send(GET)
    assert time.slept == [10.0]


async def test_a_429_without_a_time_waits_until_the_window_ends(
    clients: Clients, server: Server, steps: type[Steps], time: Time
) -> None:
    server.steps = [steps.answer(429, ratelimit="limit=9, remaining=0, reset=4"), steps.answer(200)]
    await (await clients(server.url)).send(POST)
    assert time.now == 1004.0


@pytest.mark.parametrize("call", [*READS, *SAFE, *WRITES, POST], ids=call_name)
async def test_the_answer_to_a_write_is_awaited_for_as_long_as_it_could_still_be_read_back(
    clients: Clients, call: Request
) -> None:
    class RecordingTransport(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            limits.append(request.extensions["timeout"])
            return httpx2.Response(200, stream=httpx2.ByteStream(b"{}"))

    limits: list[Mapping[str, float]] = []
    client = await clients("http://127.0.0.1:1", limits=Limits(3.0, 40.0, total_s=40.0), transport=RecordingTransport())
    await client.send(call)
    until = 40.0 if call in READS else 35.0
    assert limits == [{"connect": 3.0, "read": until, "write": until, "pool": 0.9 * until}]


async def test_a_server_that_drips_cannot_hold_a_call_for_ever(clients: Clients) -> None:
    class DrippingTransport(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, _request: httpx2.Request) -> httpx2.Response:
            return httpx2.Response(200, stream=DrippingBody())

    class DrippingBody(httpx2.AsyncByteStream):
        async def __aiter__(self):  # type: ignore[no-untyped-def]  # noqa: ANN204 - an async generator
            while True:
                yield b" "
                await anyio.sleep(0.005)

    limits = Limits(total_s=0.05)
    client = await clients("http://127.0.0.1:1", limits=limits, transport=DrippingTransport())
    with anyio.fail_after(BOUND_S):
        assert "in time" in (await error_of(client, GET)).message
        assert isinstance(await error_of(client, POST), OutcomeUnknown)


async def test_each_sending_has_a_span_and_a_log_line_without_ids(
    clients: Clients, server: Server, steps: type[Steps], memory: Memory, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "taskhand.http")
    server.steps = [steps.answer(503), steps.answer(404)]
    client = await clients(server.url)
    await error_of(client, Request.of("GET", Path.of("/tasks/{id}", id="id-1234"), params={"q": "ana@acme.test"}))
    first, second = memory.spans
    assert (first.name, first.kind) == ("GET /tasks/{id}", SpanKind.CLIENT)
    assert second.attributes == {
        "http.request.method": "GET",
        "url.template": "/tasks/{id}",
        "server.address": "127.0.0.1",
        "server.port": server.port,
        "http.request.resend_count": 1,
        "http.response.status_code": 404,
        "error.type": "404",
    }
    lines = [record.getMessage() for record in caplog.records if record.name == "taskhand.http"]
    assert lines == [
        "GET /tasks/{id}: 503 in 0.000 s, attempt 1",
        "GET /tasks/{id}: 404 in 0.000 s, attempt 2",
    ]


async def test_the_record_of_a_request_has_its_path_as_it_was_sent(clients: Clients, server: Server) -> None:
    client = await clients(server.url)
    with recorded_requests() as sent:
        await client.get(Path.of("/tasks/{id}", id="ORG/7"), params={"full": "1"})
    assert sent == ["GET /tasks/ORG%2F7 200"]


async def test_an_attempt_without_an_answer_is_traced_by_the_name_of_its_failure(
    clients: Clients, unused_port: int, memory: Memory
) -> None:
    await error_of(await clients(f"http://127.0.0.1:{unused_port}"), GET)
    assert [span.attributes["error.type"] for span in memory.spans] == ["ConnectError"] * 4
    assert [span.attributes.get("http.request.resend_count") for span in memory.spans] == [None, 1, 2, 3]


@dataclass
class RecordingObserver:
    """Keeps what it is told of requests."""

    told: list[object] = field(default_factory=list)

    def request_ended(self, method: str, status: int | None, took_s: float) -> None:
        self.told.append((method, status, took_s))

    def turn_came(self, waited_s: float) -> None:
        self.told.append(waited_s)

    def watch_budget(self, read: Callable[[], object]) -> None:
        self.told.append(read)


async def test_an_observer_receives_each_sent_request_and_the_wait_before_it(
    clients: Clients, server: Server, steps: type[Steps], time: Time, unused_port: int
) -> None:
    watcher = RecordingObserver()
    server.steps = [steps.answer(429, retry_after="7"), steps.answer(200)]
    await (await clients(server.url, observer=watcher)).send(GET)
    assert watcher.told == [0.0, ("GET", 429, 0.0), 0.0, ("GET", 200, 0.0)]
    watcher.told.clear()
    limiter = RateLimiter(Rate(1, 5.0), monotonic=time.clock, sleep=time.sleep)
    nowhere = await clients(f"http://127.0.0.1:{unused_port}", observer=watcher, rate_limiter=limiter)
    await error_of(nowhere, PUT)
    assert watcher.told[:3] == [0.0, ("PUT", None, 0.0), 4.75]  # a quarter of a second went by before it was repeated


async def test_a_cancelled_call_ends_at_once_and_gives_its_place_back(
    clients: Clients, server: Server, steps: type[Steps], time: Time, memory: Memory
) -> None:
    server.steps = [steps.SILENT, steps.answer(200)]
    rate_limiter = RateLimiter(in_flight=1, monotonic=time.clock, sleep=time.sleep)
    client = await clients(server.url, rate_limiter=rate_limiter, limits=Limits(read_s=20.0))
    with anyio.move_on_after(0.05) as scope:
        await client.send(GET)
    assert scope.cancelled_caught
    assert memory.spans[0].attributes["error.type"] == "cancelled"
    assert (await client.send(GET)).status == 200


@pytest.mark.parametrize("url", ["https://127.0.0.1:1/", "http://127.0.0.2:1/", "http://127.0.0.1:2/"])
async def test_the_transport_refuses_another_origin(runtime: Runtime, time: Time, url: str) -> None:
    acme = Upstream(name="Acme", base_url="http://127.0.0.1:1", auth={}, credential_name="K")
    rate_limiter = RateLimiter(monotonic=time.clock, sleep=time.sleep)
    origin = Origin("http", "127.0.0.1", 1)
    config = TransportConfig(acme, origin, RetryPolicy(), rate_limiter, runtime)
    transport = RetryTransport(httpx2.AsyncHTTPTransport(), config)
    with pytest.raises(UpstreamError) as caught:
        await transport.send(GET, url, Deadline.after(60.0, time.clock))
    assert (caught.value.code, transport.request_count) == ("upstream_redirect", 0)
