from __future__ import annotations

import gzip
import logging
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx2
import pytest

from taskhand.domain.errors import (
    CallerError,
    Explanation,
    NoAnswer,
    NotAttempted,
    NotFound,
    OperatorError,
    OutcomeUnknown,
    RateLimited,
    UpstreamError,
    UpstreamFailed,
)
from taskhand.http.client import Client
from taskhand.http.rate_limiter import Rate, RateLimiter
from taskhand.http.request import Request
from taskhand.http.retry import RequestKind
from taskhand.http.upstream import Limits, Runtime, Upstream
from taskhand.http.url_path import Path

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from http.conftest import Clients, Server, Step, Steps, Time

    from taskhand.http.response_body import Json, Shape

TASKS = Path.of("/tasks")
TASK = Path.of("/tasks/{id}", id="7")


async def test_a_reply_is_status_json_and_headers(clients: Clients, server: Server, steps: type[Steps]) -> None:
    server.steps = [steps.answer(201, b'{"id": "7"}', X_Request_Id="abc")]
    reply = await (await clients(server.url)).post(TASKS, json={"title": "ñ"})
    assert (reply.status, reply.object, reply.headers["x-request-id"]) == (201, {"id": "7"}, "abc")


async def test_the_base_path_the_query_the_body_and_the_key_arrive(clients: Clients, server: Server) -> None:
    client = await clients(server.url + "/api/v1/")
    params = [("ids", "a b"), ("ids", "c&d")]
    await client.put(TASK, params=params, json={"title": None}, headers={"x-tz": "0"})
    (received,) = server.received
    assert received.line == "PUT /api/v1/tasks/7?ids=a+b&ids=c%26d HTTP/1.1"
    assert received.body == b'{"title": null}'
    wanted = {"x-api-key": "sk-very-secret-4711", "x-tz": "0", "accept": "application/json"}
    wanted |= {"content-type": "application/json", "host": f"127.0.0.1:{server.port}"}
    assert wanted.items() <= received.headers.items()


async def test_a_header_of_a_request_does_not_replace_the_key(clients: Clients, server: Server) -> None:
    await (await clients(server.url)).get(TASK, headers={"x-api-key": "another"})
    assert server.received[0].headers["x-api-key"] == "sk-very-secret-4711"


async def test_a_request_without_a_body_has_none(clients: Clients, server: Server) -> None:
    client = await clients(server.url)
    await client.get(TASK)
    await client.delete(TASK)
    assert all("content-type" not in received.headers for received in server.received)
    assert all(received.body == b"" for received in server.received)


async def test_keeps_connections_and_counts_requests(clients: Clients, server: Server) -> None:
    client = await clients(server.url)
    assert client.request_count == 0
    for method in ("GET", "PUT", "PATCH"):
        await client.send(Request.of(method, TASK))
    assert (client.request_count, server.connections) == (3, 1)


async def test_decompresses_a_body(clients: Clients, server: Server, steps: type[Steps]) -> None:
    server.steps = [steps.answer(200, gzip.compress(b'["a"]'), content_encoding="gzip")]
    assert (await (await clients(server.url)).get(TASKS, expect="array")).array == ["a"]


CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("body", "expect"),
    [(b"<html>Sign in</html>", "any"), (b'{"id": 1', "any"), (b"", "any"), (b"[]", "object"), (b"{}", "array")],
)
async def test_an_unparsable_answer_is_an_error_whose_reference_is_in_the_log(
    clients: Clients,
    server: Server,
    caplog: pytest.LogCaptureFixture,
    body: bytes,
    expect: Shape,
) -> None:
    caplog.set_level(logging.WARNING, "taskhand.http")
    server.steps = [server.answer(200, body)]
    with pytest.raises(UpstreamError, match="ref-1") as caught:
        await (await clients(server.url)).get(TASKS, expect=expect)
    assert (type(caught.value), caught.value.code) == (UpstreamError, "upstream_invalid")
    assert caught.value.__context__ is None
    assert "ref-1" in caplog.text


async def test_a_create_whose_success_cannot_be_read_is_in_doubt(
    clients: Clients, server: Server, steps: type[Steps]
) -> None:
    server.steps = [steps.answer(201, b"<html>")]
    with pytest.raises(OutcomeUnknown) as caught:
        await (await clients(server.url)).post(TASKS, json={})
    assert caught.value.code == "upstream_invalid"


async def test_a_body_truncated_in_every_attempt_is_invalid(
    clients: Clients, server: Server, steps: type[Steps]
) -> None:
    server.steps = [steps.CUT]
    client = await clients(server.url)
    with pytest.raises(UpstreamError, match="ref-1") as caught:
        await client.get(TASKS)
    assert (caught.value.code, client.request_count) == ("upstream_invalid", 4)


@pytest.mark.parametrize("packed", [False, True])
async def test_a_body_beyond_the_limit_is_not_read_to_its_end(
    clients: Clients, server: Server, steps: type[Steps], *, packed: bool
) -> None:
    body = b'"' + b"x" * 200_000 + b'"'
    huge = steps.answer(200, gzip.compress(body), content_encoding="gzip") if packed else steps.answer(200, body)
    server.steps = [huge]
    client = await clients(server.url, limits=Limits(body_bytes=1_000))
    with pytest.raises(UpstreamError, match="larger than is accepted") as caught:
        await client.get(TASKS)
    assert (caught.value.code, client.request_count) == ("upstream_invalid", 1)
    with pytest.raises(OutcomeUnknown, match="larger than is accepted"):
        await client.put(TASK)


async def test_an_endless_body_is_abandoned(clients: Clients, server: Server, steps: type[Steps]) -> None:
    chunk = b"1000\r\n" + b"x" * 0x1000 + b"\r\n"
    endless = steps.answer(200)
    server.steps = [type(endless)(CHUNKED + chunk * 64, then="hang")]
    with pytest.raises(UpstreamError) as caught:
        await (await clients(server.url, limits=Limits(body_bytes=100_000))).get(TASKS)
    assert caught.value.code == "upstream_invalid"


async def test_a_refusal_whose_body_is_lost_is_still_that_refusal(
    clients: Clients, server: Server, steps: type[Steps]
) -> None:
    cut = steps.answer(404)
    server.steps = [type(cut)(b"HTTP/1.1 404 Not Found\r\ncontent-length: 99\r\n\r\n<htm", then="close")]
    with pytest.raises(NotFound):
        await (await clients(server.url)).put(TASK)


async def test_a_refusal_is_explained_by_the_backend(clients: Clients, server: Server, steps: type[Steps]) -> None:
    def explain(_status: int, json: Json) -> Explanation | None:
        return Explanation("title was refused.") if json == {"field": "title"} else None

    server.steps = [steps.answer(400, b'{"field": "title"}'), steps.answer(400, b'"DROP TABLE"')]
    client = await clients(server.url, explain=explain)
    with pytest.raises(CallerError, match="title was refused"):
        await client.post(TASKS, json={})
    with pytest.raises(CallerError) as caught:
        await client.post(TASKS, json={})
    assert "DROP" not in str(caught.value)


PAGE = b"\xef\xbb\xbf\n<!DOCTYPE html><title>Access denied by ACME-FW</title>"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 406, 409, 451])
async def test_a_page_of_a_firewall_is_not_reported_as_a_refusal_by_the_crm(
    clients: Clients, server: Server, steps: type[Steps], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    server.steps = [steps.answer(status, PAGE)]
    client = await clients(server.url)
    with pytest.raises(UpstreamError) as caught:
        await client.get(TASKS)
    assert (type(caught.value), caught.value.code) == (UpstreamError, "upstream_invalid")
    assert caught.value.message.startswith(f"A web page was received instead of Acme's answer (status {status}, ")
    assert "HTTPS_PROXY" in str(caught.value.next_step)
    assert "ACME-FW" not in f"{caught.value.message} {caplog.text}"
    with pytest.raises(UpstreamError, match="firewall") as refused:
        await client.put(TASK)
    assert type(refused.value) is UpstreamError
    assert "Read or search for the task" in str(refused.value.next_step)


@pytest.mark.parametrize(
    ("body", "who"), [(PAGE, "Acme, or a proxy or a firewall in front of it, failed with"), (b"{}", "Acme failed with")]
)
async def test_a_failure_with_a_web_page_may_come_from_a_proxy(
    clients: Clients, server: Server, steps: type[Steps], body: bytes, who: str
) -> None:
    server.steps = [steps.answer(502, body)]
    with pytest.raises(UpstreamFailed, match=f"^{who} status 502"):
        await (await clients(server.url)).get(TASKS)


async def test_a_web_page_with_a_success_status_is_reported_as_a_web_page(
    clients: Clients, server: Server, steps: type[Steps]
) -> None:
    server.steps = [steps.answer(200, PAGE)]
    with pytest.raises(UpstreamError, match=r"A web page was received instead of Acme's answer \(status 200") as caught:
        await (await clients(server.url)).get(TASKS)
    assert caught.value.code == "upstream_invalid"
    with pytest.raises(OutcomeUnknown, match="firewall"):
        await (await clients(server.url)).put(TASK)


@pytest.mark.parametrize("status", [407, 511])
@pytest.mark.parametrize("body", [PAGE, b"", b"{}"])
async def test_a_network_status_is_reported_as_a_network_fault(
    clients: Clients, server: Server, steps: type[Steps], status: int, body: bytes
) -> None:
    server.steps = [steps.answer(status, body)]
    with pytest.raises(OperatorError) as caught:
        await (await clients(server.url)).get(TASKS)
    who = {407: "The proxy asks for a user name", 511: "The network asks to sign in"}[status]
    assert caught.value.message.startswith(who)


@pytest.mark.parametrize("status", [401, 403, 407])
async def test_a_refused_credential_is_a_warning_in_the_log(
    clients: Clients, server: Server, steps: type[Steps], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    server.steps = [steps.answer(status, b"{}")]
    with pytest.raises(OperatorError):
        await (await clients(server.url)).get(TASKS)
    [record] = [record for record in caplog.records if record.levelname == "WARNING"]
    assert f"/tasks: status {status}: " in record.getMessage()


async def test_a_429_that_outlasts_the_attempts_reports_the_wait(
    clients: Clients, server: Server, steps: type[Steps]
) -> None:
    server.steps = [steps.answer(429, retry_after="2")]
    with pytest.raises(RateLimited) as caught:
        await (await clients(server.url)).get(TASKS)
    assert caught.value.retry_after_s == 2.0


async def test_a_backend_can_reject_the_content_of_an_answer(
    clients: Clients, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    client = await clients(server.url)
    read, wrote = client.invalid(await client.get(TASK), "without an id"), client.invalid(await client.put(TASK), "x")
    assert str(read) == "Acme answered without an id (reference ref-1)."
    assert (type(read), type(wrote)) == (UpstreamError, OutcomeUnknown)
    assert "without an id, reference ref-1" in caplog.text


async def test_a_get_follows_redirects_on_the_same_origin(clients: Clients, server: Server, steps: type[Steps]) -> None:
    server.steps = [
        steps.answer(301, location="/elsewhere"),
        steps.answer(302, location=f"{server.url}/there?x=1"),
        steps.answer(307, location="here"),
        steps.answer(200, b'{"here": true}'),
    ]
    assert (await (await clients(server.url)).get(TASKS)).object == {"here": True}
    lines = [received.line.split()[1] for received in server.received]
    assert lines == ["/tasks", "/elsewhere", "/there?x=1", "/here"]


async def test_a_fourth_redirect_is_one_too_many(clients: Clients, server: Server, steps: type[Steps]) -> None:
    server.steps = [steps.answer(302, location="/tasks")]
    with pytest.raises(UpstreamError) as caught:
        await (await clients(server.url)).get(TASKS)
    assert caught.value.code == "upstream_redirect"
    assert len(server.received) == 4


async def test_the_key_never_follows_a_redirect_to_another_host(
    clients: Clients, servers: Callable[[], Awaitable[Server]], steps: type[Steps]
) -> None:
    home, stranger = await servers(), await servers()
    home.steps = [steps.answer(302, location=f"{stranger.url}/tasks")]
    with pytest.raises(UpstreamError) as caught:
        await (await clients(home.url)).get(TASKS)
    assert caught.value.code == "upstream_redirect"
    assert (stranger.connections, len(home.received)) == (0, 1)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_write_follows_no_redirect(clients: Clients, server: Server, steps: type[Steps], method: str) -> None:
    server.steps = [steps.answer(308, location="/elsewhere"), steps.answer(200)]
    with pytest.raises(UpstreamError) as caught:
        await (await clients(server.url)).send(Request.of(method, TASK))
    assert caught.value.code == "upstream_redirect"
    assert len(server.received) == 1


async def test_a_search_that_is_sent_as_post_follows_no_redirect(
    clients: Clients, server: Server, steps: type[Steps]
) -> None:
    server.steps = [steps.answer(307, location="/elsewhere"), steps.answer(200)]
    with pytest.raises(UpstreamError) as caught:
        await (await clients(server.url)).post(TASKS, json={}, kind=RequestKind.READ)
    assert caught.value.code == "upstream_redirect"
    assert type(caught.value) is UpstreamError, "a search changes nothing"
    assert len(server.received) == 1


def redirects(steps: type[Steps]) -> list[Step]:
    odd = ["/%zz", "/\x7f", "/[", "/?%", "/{}", "/a:b", "//", "///x", "/..//..", "?", "#", "/|", "/^`", '/&amp;<>"']
    return [step for location in odd for step in (steps.answer(302, location=location), steps.answer(200))]


async def test_an_odd_location_is_followed_or_refused_but_never_a_crash(
    clients: Clients, server: Server, steps: type[Steps]
) -> None:
    client = await clients(server.url)
    for first, second in zip(redirects(steps)[::2], redirects(steps)[1::2], strict=True):
        server.steps = [first, second]
        try:
            await client.get(TASKS)
        except UpstreamError as error:
            outcome = error.code
        else:
            outcome = "followed"
        assert outcome in {"upstream_redirect", "followed"}


async def test_a_client_works_only_inside_its_context(server: Server) -> None:
    client = Client(Upstream(name="Acme", base_url=server.url, auth={}, credential_name="K"))
    with pytest.raises(RuntimeError):
        await client.get(TASKS)
    async with client:
        await client.get(TASKS)
    with pytest.raises(RuntimeError):
        await client.get(TASKS)


def test_a_base_url_in_plain_http_is_refused_before_anything_is_opened() -> None:
    with pytest.raises(OperatorError, match="ACME_BASE_URL"):
        Client(
            Upstream(
                name="Acme", base_url="http://crm.test", auth={}, credential_name="K", base_url_name="ACME_BASE_URL"
            )
        )


def test_a_body_that_json_cannot_represent_raises_a_value_error() -> None:
    with pytest.raises(ValueError, match="JSON"):
        Request.of("POST", TASKS, json=float("nan"))


def test_importing_the_client_does_not_import_the_http_library() -> None:
    code = "import sys, taskhand.http.client; print({name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own code
    assert not {"'httpx2'", "'httpcore2'", "'opentelemetry'", "'mcp'"} & set(done.stdout.strip("{}\n").split(", "))


async def test_a_write_that_may_arrive_late_is_distinguished_from_a_lost_one(
    clients: Clients, server: Server, steps: type[Steps]
) -> None:
    client = await clients(server.url, limits=Limits(read_s=0.05, total_s=20.0))
    put = Request.of("PUT", Path.of("/tasks/7"), json={}, kind=RequestKind.REPLAY)
    for first, kind in ((steps.SILENT, NoAnswer), (steps.RESET_AFTER_READING, OutcomeUnknown)):
        server.steps = [first, steps.RESET_AFTER_READING]
        with pytest.raises(OutcomeUnknown) as unknown:
            await client.send(put)
        assert type(unknown.value) is kind


async def test_a_write_is_not_sent_if_its_turn_leaves_no_time_to_read_it_back(
    clients: Clients, server: Server, time: Time
) -> None:
    rate_limiter = RateLimiter(Rate(1, 16.0), monotonic=time.clock, sleep=time.sleep)
    client = await clients(server.url, limits=Limits(total_s=20.0), rate_limiter=rate_limiter)
    task = Path.of("/tasks/7")
    await client.get(task)
    with pytest.raises(NotAttempted, match="time ran out"):
        await client.put(task)
    assert (await client.get(task)).status == 200


class SharedTransport(httpx2.AsyncBaseTransport):
    """Answers every request, and notes whether it was closed."""

    is_closed = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        del request
        return httpx2.Response(200, stream=httpx2.ByteStream(b"{}"))

    async def aclose(self) -> None:
        self.is_closed = True


async def test_a_transport_that_a_client_was_given_stays_open_for_others() -> None:
    shared = SharedTransport()
    upstream = Upstream(name="Acme", base_url="http://127.0.0.1", auth={}, credential_name="ACME_KEY")
    async with Client(upstream, runtime=Runtime(transport=shared)) as client:
        await client.get(TASKS, expect="object")
    assert not shared.is_closed
