"""Webhooks over real sockets: only what the CRM has sent becomes a hint, and each of it once."""

import json
import logging
from collections.abc import AsyncIterator, Collection
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import anyio
import httpx2
import pytest
from prometheus_client import CollectorRegistry

from server.transports.http_server import served
from server.webhooks.webhook_server import (
    BASE,
    CLOSE_BODY,
    HUBSPOT_BODY,
    SECRET,
    Taking,
    by_close,
    by_hubspot,
    find_hints,
    taking,
)
from taskhand.domain.errors import OperatorError
from taskhand.domain.webhook import Verdict
from taskhand.server.transports.http_limits import HttpLimits
from taskhand.server.webhooks.receiver import KeepHint
from taskhand.service.app_context import AppContext
from taskhand.service.events.webhook_hint import keep_hint
from taskhand.telemetry.metrics import HttpMetrics
from time_limits import BOUND_S

pytestmark = pytest.mark.anyio

CLOSE, HUBSPOT, VAMBE = "/webhooks/close", "/webhooks/hubspot", f"/webhooks/vambe/{SECRET}"
TAKEN, REFUSED = 204, 401


async def test_a_signed_delivery_is_stored_as_a_hint_before_the_answer(store_file: Path) -> None:
    async with taking(store_file) as server:
        now = server.clock()
        assert await server.post(CLOSE, by_close(CLOSE_BODY, now), CLOSE_BODY) == TAKEN
        assert await find_hints(server.app) == {"task_1"}
        assert await server.post(HUBSPOT, by_hubspot(f"{BASE}{HUBSPOT}", HUBSPOT_BODY, now), HUBSPOT_BODY) == TAKEN
        assert await server.post(VAMBE, {}, b'{"topic":"task.updated","entity_data":{"id":"x"}}') == TAKEN
        assert await find_hints(server.app) == {"task_1", "77", ""}
        assert server.woken == ["close", "hubspot", "vambe"]
        assert f"Webhooks are accepted at {BASE}/webhooks/ for close, hubspot, vambe." in server.said


async def test_forged_old_and_misdirected_deliveries_are_refused_alike(store_file: Path) -> None:
    async with taking(store_file) as server:
        now, uri = server.clock(), f"{BASE}{HUBSPOT}"
        signed = by_close(CLOSE_BODY, now)
        cases = [
            (CLOSE, {}, CLOSE_BODY),
            (CLOSE, by_close(CLOSE_BODY, now, key="00" * 32), CLOSE_BODY),
            (CLOSE, signed, CLOSE_BODY + b" "),
            (CLOSE, signed, b""),
            (CLOSE, by_close(CLOSE_BODY, now - timedelta(minutes=6)), CLOSE_BODY),
            (CLOSE, by_close(CLOSE_BODY, now + timedelta(minutes=6)), CLOSE_BODY),
            (HUBSPOT, signed, CLOSE_BODY),
            (HUBSPOT, by_hubspot(uri, HUBSPOT_BODY, now, secret="other"), HUBSPOT_BODY),  # noqa: S106
            (HUBSPOT, by_hubspot(f"{BASE}{CLOSE}", HUBSPOT_BODY, now), HUBSPOT_BODY),
            (f"{HUBSPOT}?a=1", by_hubspot(uri, HUBSPOT_BODY, now), HUBSPOT_BODY),
            (HUBSPOT, by_hubspot(uri, HUBSPOT_BODY, now - timedelta(minutes=6)), HUBSPOT_BODY),
            ("/webhooks/other", signed, CLOSE_BODY),
            ("/webhooks/CLOSE", signed, CLOSE_BODY),
            ("/webhooks/vambe", {}, b"{}"),
            (VAMBE[:-1], {}, b"{}"),
            (f"{VAMBE}0", {}, b"{}"),
        ]
        for path, headers, body in cases:
            assert await server.post(path, headers, body) == REFUSED, (path, headers)
        assert await server.post("/webhooks", signed, CLOSE_BODY) == 404
        assert await find_hints(server.app) == set()
        assert server.woken == []


async def test_the_same_delivery_again_is_a_replay_for_hubspot_and_a_repetition_for_close(
    store_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with taking(store_file) as server:
        at, uri = server.clock(), f"{BASE}{HUBSPOT}"
        sent = by_hubspot(uri, HUBSPOT_BODY, at)
        assert [await server.post(HUBSPOT, sent, HUBSPOT_BODY) for _ in range(3)] == [TAKEN, REFUSED, REFUSED]
        again = by_hubspot(uri, HUBSPOT_BODY, at + timedelta(milliseconds=1))
        assert await server.post(HUBSPOT, again, HUBSPOT_BODY) == TAKEN
        signed = by_close(CLOSE_BODY, at)
        assert [await server.post(CLOSE, signed, CLOSE_BODY) for _ in range(2)] == [TAKEN, TAKEN]
        assert server.woken == ["hubspot", "hubspot", "close"]
        assert [one.partition("; ")[0] for one in caplog.messages if "refused" in one] == [
            "Webhooks of hubspot were refused: 1 with a repeated signature"
        ]
        server.clock.move(minutes=4, seconds=59)
        assert await server.post(HUBSPOT, sent, HUBSPOT_BODY) == REFUSED


async def test_a_genuine_delivery_that_is_unreadable_or_too_long_gives_a_hint_without_ids(
    store_file: Path,
) -> None:
    hinted: list[int] = []

    def keep(app: AppContext) -> KeepHint:
        async def count(ids: Collection[str], verdict: Verdict) -> bool:
            hinted.append(len(ids))
            return await keep_hint(app, ids, verdict)

        return count

    async with taking(store_file, keep=keep) as server:
        for body in (b"", b"not JSON", b"[" * 5_000, b"\xff\xfe"):
            assert await server.post(CLOSE, by_close(body, server.clock()), body) == TAKEN
        rows = [{"objectId": number, "objectTypeId": "0-27"} for number in range(501)]
        for sent in (rows, rows[1:]):
            many = json.dumps(sent).encode()
            assert await server.post(HUBSPOT, by_hubspot(f"{BASE}{HUBSPOT}", many, server.clock()), many) == TAKEN
            assert await find_hints(server.app) == {""}
        assert hinted == [0, 0, 0, 0, 0, 500]


async def test_every_method_other_than_post_gets_405(store_file: Path) -> None:
    async with taking(store_file) as server:
        for path in (CLOSE, "/webhooks/other", VAMBE, f"{CLOSE}/x"):
            for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"):
                answer = await server.client.request(
                    method, f"{server.url}{path}", headers=by_close(b"", server.clock())
                )
                assert (answer.status_code, answer.headers["allow"], answer.content) == (405, "POST", b"")
        assert await find_hints(server.app) == set()


async def test_a_giant_body_is_refused_with_and_without_a_content_length(store_file: Path) -> None:
    giant = b"x" * (1024 * 1024 + 1)

    async def in_parts(body: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    async with taking(store_file) as server:
        for body, status in ((giant, 413), (giant[1:], TAKEN)):
            signed = by_close(body, server.clock())
            for content in (body, in_parts(body)):
                answer = await server.client.post(f"{server.url}{CLOSE}", headers=signed, content=content)
                assert answer.status_code == status
        server.woken.clear()
        async with await anyio.connect_tcp("127.0.0.1", server.port) as told:
            head = [f"POST {CLOSE} HTTP/1.1", "host: localhost", f"content-length: {len(giant)}"]
            await told.send("\r\n".join([*head, "", ""]).encode())
            with anyio.fail_after(BOUND_S):
                assert b" 413 " in await told.receive(), "the body is not waited for"
        assert server.woken == []


async def test_a_cut_or_slow_body_is_no_delivery_and_keeps_nobody_waiting(store_file: Path) -> None:
    async with taking(store_file, limits=HttpLimits(request_s=0.2)) as server:
        signed = by_close(CLOSE_BODY, server.clock())
        head = [f"POST {CLOSE} HTTP/1.1", "host: localhost", f"content-length: {len(CLOSE_BODY)}"]
        head += [f"{name}: {value}" for name, value in signed.items()]
        half = "\r\n".join([*head, "", ""]).encode() + CLOSE_BODY[:10]
        async with await anyio.connect_tcp("127.0.0.1", server.port) as cut:
            await cut.send(half)
        async with await anyio.connect_tcp("127.0.0.1", server.port) as slow:
            await slow.send(half)
            assert await server.post(VAMBE, {}, b"{}") == TAKEN
            with anyio.fail_after(BOUND_S), suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                assert b" 408 " in await slow.receive()
        assert await find_hints(server.app) == {""}


FORWARDED = {"x-forwarded-proto": "https", "x-forwarded-host": "hooks.example.org", "x-forwarded-for": "192.0.2.1"}


async def deliver(server: Taking, uri: str, more: dict[str, str], path: str = HUBSPOT) -> int:
    """The status of a delivery of HubSpot's that was signed for an address."""
    server.clock.move(seconds=1)
    return await server.post(path, by_hubspot(uri, HUBSPOT_BODY, server.clock()) | more, HUBSPOT_BODY)


async def test_the_address_is_as_a_named_proxy_was_called(store_file: Path) -> None:
    async with taking(store_file, "127.0.0.1", base=None) as server:
        assert await deliver(server, f"https://hooks.example.org{HUBSPOT}", FORWARDED) == TAKEN
        escaped = f"{HUBSPOT}?a=%40b&c=%20"
        assert await deliver(server, f"https://hooks.example.org{HUBSPOT}?a=@b&c=%20", FORWARDED, escaped) == TAKEN
        assert await deliver(server, f"{server.url}{HUBSPOT}", FORWARDED) == REFUSED
        assert await deliver(server, f"{server.url}{HUBSPOT}", {}) == TAKEN


async def test_the_address_is_as_the_operator_says_and_no_stranger_is_believed(store_file: Path) -> None:
    async with taking(store_file, base=f"{BASE}/tools") as server:
        assert await deliver(server, f"https://hooks.example.org{HUBSPOT}", FORWARDED) == REFUSED
        assert await deliver(server, f"{BASE}/tools{HUBSPOT}", FORWARDED) == TAKEN
        assert await deliver(server, f"{BASE}{HUBSPOT}", {}) == REFUSED


async def test_deliveries_are_counted_by_connection_and_outcome(store_file: Path) -> None:
    async with taking(store_file) as server:
        metrics = HttpMetrics(registry := CollectorRegistry())
        server.webhooks.observer = metrics
        signed = by_close(CLOSE_BODY, server.clock())
        for path, headers in ((CLOSE, signed), (CLOSE, signed), (CLOSE, {}), ("/webhooks/their-name", signed)):
            await server.post(path, headers, CLOSE_BODY)
        counted = {
            (one.labels["connection"], one.labels["outcome"]): one.value
            for family in registry.collect()
            for one in family.samples
            if one.name == "taskhand_webhooks_total"
        }
    assert counted == {
        ("close", "taken"): 1,
        ("close", "repeated"): 1,
        ("close", "refused"): 1,
        ("other", "refused"): 1,
    }


async def test_the_rate_of_deliveries_of_an_address_is_limited(store_file: Path) -> None:
    async with taking(store_file, limits=HttpLimits(requests_s=0.5)) as server:
        assert await server.post(VAMBE, {}, b"{}") == TAKEN
        assert await server.post(VAMBE, {}, b"{}") == 429


async def test_a_delivery_that_cannot_be_stored_gets_503(store_file: Path) -> None:
    is_down = [True]

    def keep(app: AppContext) -> KeepHint:
        async def keep_unless_down(ids: Collection[str], verdict: Verdict) -> bool:
            if is_down[0]:
                raise OperatorError("the database cannot be reached")
            return await keep_hint(app, ids, verdict)

        return keep_unless_down

    async with taking(store_file, keep=keep) as server:
        sent = by_hubspot(f"{BASE}{HUBSPOT}", HUBSPOT_BODY, server.clock())
        assert await server.post(HUBSPOT, sent, HUBSPOT_BODY) == 503
        assert server.woken == []
        is_down[0] = False
        assert await server.post(HUBSPOT, sent, HUBSPOT_BODY) == TAKEN


async def test_a_store_that_does_not_answer_keeps_no_crm_waiting(store_file: Path) -> None:
    async def wait(ids: Collection[str], verdict: Verdict) -> bool:  # noqa: ARG001
        await anyio.sleep_forever()
        return True

    async with taking(store_file, keep=lambda _: wait, kept_s=0.01) as server:
        assert await server.post(VAMBE, {}, b"{}") == 503


async def test_refusals_are_logged_once_a_minute_without_anything_of_them(
    store_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "taskhand")
    async with taking(store_file) as server:  # its clock of waits goes three seconds with each reading
        for number in range(25):
            await server.post(CLOSE, {"close-sig-hash": "s3cret"}, f"secret text {number}".encode())
            await server.post("/webhooks/s3cret-name", {}, b"secret text")
    texts = [record.getMessage() for record in caplog.records if "Webhooks of" in record.getMessage()]
    assert 4 <= len(texts) <= 8
    assert "Webhooks of close were refused: 1 with no signature; the last one from 127.0.0.1." in texts
    assert not any("s3cret" in record.getMessage() or "secret" in record.getMessage() for record in caplog.records)


async def test_webhook_addresses_do_not_exist_without_the_option(store_file: Path) -> None:
    async with served(store_file) as port, httpx2.AsyncClient() as client:
        assert (await client.post(f"http://127.0.0.1:{port}{VAMBE}", content=b"{}")).status_code == 404
