"""The sandboxes deliver webhooks over HTTP, and what goes wrong with a delivery is played on demand."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import httpx2
import pytest

from taskhand.sandbox.close import CloseSandbox
from taskhand.sandbox.close import SpecVariant as CloseVariant
from taskhand.sandbox.close.webhook import signature
from taskhand.sandbox.emulator import Emulator
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.hubspot import HubSpotSandbox
from taskhand.sandbox.hubspot.app_webhooks import DEVELOPER_KEY
from taskhand.sandbox.hubspot.errors import APP
from taskhand.sandbox.server import serve_delivering
from taskhand.sandbox.vambe import SpecVariant as VambeVariant
from taskhand.sandbox.vambe import VambeSandbox
from time_limits import BOUND_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

START = dt.datetime(2026, 11, 26, 9, tzinfo=dt.UTC)
URL = "https://tasks.example.com/webhooks/close"
DRAFT = {"_type": "lead", "lead_id": "lead_wayne", "text": "Call back"}
SEED: dict[str, Any] = {
    "users": [{"id": "user_ana", "first_name": "Ana", "last_name": "Paz", "email": "ana@example.com"}],
    "leads": [{"id": "lead_wayne", "name": "Wayne Enterprises", "contacts": []}],
    "tasks": [],
}


class Subscriber:
    """Keeps what it gets, and answers with these statuses in turn, then 200; 0 is no answer."""

    def __init__(self, *answers: int) -> None:
        self.answers = list(answers)
        self.got: list[tuple[str, dict[str, str], bytes]] = []

    async def __call__(self, url: str, headers: dict[str, str], body: bytes) -> int:
        self.got.append((url, headers, body))
        status = self.answers.pop(0) if self.answers else 200
        if not status:
            raise ConnectionRefusedError
        return status

    def texts(self) -> list[str]:
        return [json.loads(body)["event"]["data"]["text"] for _, _, body in self.got]


class SubscribedClose:
    """A sandbox of Close with a subscription, whose clock is advanced by hand."""

    def __init__(self, *faults: Fault, consolidation: int = 0, kind: type[CloseSandbox] = CloseSandbox) -> None:
        self.now = START
        variant = CloseVariant(consolidation=consolidation)
        self.sandbox = kind(seed=SEED, clock=lambda: self.now, faults=faults, spec_variant=variant)

    async def send(self, method: str, path: str, **body: object) -> Any:
        transport = httpx2.ASGITransport(self.sandbox.app)
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://close/api/v1", auth=(self.sandbox.key, "")
        ) as client:
            answer = await client.request(method, path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    async def subscribe(self, *actions: str) -> str:
        events = [{"object_type": "task.lead", "action": action} for action in actions]
        return str((await self.send("POST", "/webhook/", url=URL, events=events))["signature_key"])

    async def add(self, text: str) -> None:
        await self.send("POST", "/task/", **(DRAFT | {"text": text}))


async def test_a_delivery_is_signed_when_it_is_sent_and_sent_once() -> None:
    close, subscriber = SubscribedClose(), Subscriber()
    key = await close.subscribe("created")
    await close.add("A")
    close.now += dt.timedelta(minutes=10)
    assert len(await close.sandbox.deliver(subscriber)) == 1
    assert await close.sandbox.deliver(subscriber) == ()
    [(url, headers, body)] = subscriber.got
    assert (url, headers["close-sig-timestamp"]) == (URL, str(int(close.now.timestamp())))
    assert headers["close-sig-hash"] == signature(key, headers["close-sig-timestamp"], body.decode())


async def test_a_delivery_without_success_is_sent_again_after_growing_pauses() -> None:
    close, subscriber = SubscribedClose(), Subscriber(500, 0, 302, 200)
    await close.subscribe("created")
    await close.add("A")
    for seconds in (0, 1, 2, 4, 60):
        close.now += dt.timedelta(seconds=seconds)
        await close.sandbox.deliver(subscriber)
    assert subscriber.texts() == ["A"] * 4
    assert [(row.attempt, row.status) for row in close.sandbox.sender.log] == [(0, 500), (1, None), (2, 302), (3, 200)]


async def test_a_crm_without_an_outbox_delivers_nothing() -> None:
    without = type("WithoutWebhooks", (CloseSandbox,), {"open_outbox": Emulator.open_outbox})
    close, subscriber = SubscribedClose(kind=without), Subscriber()
    await close.subscribe("created")
    await close.add("A")
    assert await close.sandbox.deliver(subscriber) == ()
    assert close.sandbox.sender.outbox.is_empty()


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        ("lost", ["B"]),
        ("twice", ["A", "A", "B"]),
        ("forged", ["A", "A", "B"]),
        ("outdated", ["A", "A", "B"]),
        ("out_of_order", ["B", "A"]),
    ],
)
async def test_a_fault_disturbs_one_delivery(kind: Any, texts: list[str]) -> None:
    close, subscriber = SubscribedClose(Fault(kind, seconds=600)), Subscriber()
    key = await close.subscribe("created")
    await close.add("A")
    for _ in range(2):
        await close.sandbox.deliver(subscriber)
    await close.add("B")
    await close.sandbox.deliver(subscriber)
    assert subscriber.texts() == texts
    assert kind in {sent.fault for sent in close.sandbox.sender.log}
    first = subscriber.got[0]
    is_genuine = first[1]["close-sig-hash"] == signature(key, first[1]["close-sig-timestamp"], first[2].decode())
    assert is_genuine == (kind != "forged")
    assert (int(first[1]["close-sig-timestamp"]) < START.timestamp()) == (kind == "outdated")


async def test_a_late_delivery_comes_once_its_time_has_come() -> None:
    close, subscriber = SubscribedClose(Fault("late", seconds=30)), Subscriber()
    await close.subscribe("created")
    await close.add("A")
    await close.sandbox.deliver(subscriber)
    close.now += dt.timedelta(seconds=30)
    assert subscriber.got == []
    await close.sandbox.deliver(subscriber)
    await close.sandbox.deliver(subscriber)
    assert subscriber.texts() == ["A"]
    assert [sent.fault for sent in close.sandbox.sender.log] == ["late"]


async def test_an_update_waits_for_its_consolidation() -> None:
    close, subscriber = SubscribedClose(consolidation=5), Subscriber()
    await close.subscribe("created", "updated")
    await close.add("A")
    [task] = (await close.send("GET", "/task/"))["data"]
    await close.send("PUT", f"/task/{task['id']}/", text="B")
    await close.sandbox.deliver(subscriber)
    assert subscriber.texts() == ["A"]
    assert not close.sandbox.sender.outbox.is_empty()
    close.now += dt.timedelta(seconds=5)
    await close.sandbox.deliver(subscriber)
    assert subscriber.texts() == ["A", "B"]


def test_a_fault_of_deliveries_is_of_no_route() -> None:
    with pytest.raises(ValueError, match="takes no route"):
        Fault("twice", route="GET /api/v1/task/")
    assert not Fault("status", route="*").applies_to("WEBHOOK")


async def test_a_reset_forgets_earlier_deliveries() -> None:
    close, subscriber = SubscribedClose(), Subscriber()
    for _ in range(2):
        await close.subscribe("created")
        await close.add("A")
        await close.sandbox.deliver(subscriber)
        close.sandbox.reset()
    assert subscriber.texts() == ["A", "A"]


async def test_vambe_delivers_the_documented_topics_without_a_signature() -> None:
    sandbox, subscriber = VambeSandbox(spec_variant=VambeVariant(topics="tasks")), Subscriber()
    transport = httpx2.ASGITransport(sandbox.app)
    headers = {"x-api-key": sandbox.key}
    async with httpx2.AsyncClient(transport=transport, base_url="http://vambe", headers=headers) as client:
        body = {"url": "https://tasks.example.com/webhooks/vambe/s3cret", "topics": ["task.updated", "task.completed"]}
        assert (await client.post("/api/webhooks", json=body)).status_code == 201
        task, done = sandbox.tasks[0]["id"], sandbox.state()["statuses"][-1]["name"]
        await client.put(f"/api/public/tasks/{task}", json={"newStatusName": done})
        await client.put(f"/api/public/tasks/{task}", json={"newStatusName": done})
    await sandbox.deliver(subscriber)
    topics = [json.loads(body)["topic"] for _, _, body in subscriber.got]
    assert topics == ["task.updated", "task.completed"]
    assert {tuple(headers) for _, headers, _ in subscriber.got} == {("content-type",)}


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[str, list[bytes], anyio.Event]]:
    """A subscriber on a socket: its address, the bodies that it gets, and what is set at the first one."""
    bodies: list[bytes] = []
    arrived = anyio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        [length] = [int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:")]
        bodies.append(await reader.readexactly(length))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        writer.close()
        arrived.set()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", bodies, arrived


async def test_a_served_sandbox_delivers_webhooks_and_lists_its_subscriptions() -> None:
    sandbox: Emulator = HubSpotSandbox(clock=lambda: START)
    async with (
        listening() as (address, bodies, arrived),
        serve_delivering(sandbox) as url,
        httpx2.AsyncClient(base_url=url, params={"hapikey": DEVELOPER_KEY}) as client,
    ):
        await client.put(f"/webhooks/v3/{APP}/settings", json={"targetUrl": f"{address}/in"})
        made = await client.post(f"/webhooks/v3/{APP}/subscriptions", json={"eventType": "object.creation"})
        assert made.status_code == 201
        properties = {"hs_task_subject": "Call", "hs_timestamp": "2026-11-27T09:00:00Z"}
        headers = {"authorization": "Bearer pat-na1-sandbox"}
        await client.post("/crm/v3/objects/tasks", json={"properties": properties}, headers=headers)
        with anyio.fail_after(BOUND_S):
            await arrived.wait()
        listed = await client.get(f"/webhooks/v3/{APP}/subscriptions")
        assert [one["eventType"] for one in listed.json()["results"]] == ["object.creation"]
        refused = await client.get(f"/webhooks/v3/{APP}/settings", params={"hapikey": "other"})
        assert refused.status_code == 401
    assert [event["subscriptionType"] for event in json.loads(bodies[0])] == ["object.creation"]
