"""From a change that somebody else makes in a CRM to an event in the feed, by the CRM's own delivery."""

import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from fixed_clock import FixedClock
from taskhand.cli.webhook_receivers import WebhookOptions, open_webhooks
from taskhand.config.configuration import load_configuration
from taskhand.domain.deadline import call_deadline
from taskhand.events.event_store import EventQuery
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.hubspot import HubSpotSandbox, SpecVariant
from taskhand.sandbox.hubspot.sandbox import CLIENT_SECRET
from taskhand.sandbox.server import serve
from taskhand.sandbox.webhook_post import post_webhook
from taskhand.server.app import create_server
from taskhand.server.transports.host_names import Address
from taskhand.server.transports.http import serve_http
from taskhand.service.app_context import AppContext
from taskhand.service.feed import feed_of, look
from taskhand.wiring import open_connections

pytestmark = pytest.mark.anyio

START = datetime(2026, 11, 26, 9, tzinfo=UTC)
AT_ONCE = ("burst=0", "searches=0", "settle_ms=0", "search_lag=0")
DELIVERIES = ("object.creation", "object.deletion")


@dataclass
class Stage:
    """HubSpot, and a server that takes its webhooks; both have a clock that is moved by hand."""

    crm: HubSpotSandbox
    clock: FixedClock
    app: AppContext = field(init=False)
    client: httpx2.AsyncClient = field(init=False)

    async def add(self, title: str) -> str:
        """Somebody else makes a task."""
        self.clock.move(seconds=1)
        properties = {"hs_task_subject": title, "hs_timestamp": "2026-11-27T09:00:00Z"}
        made = await self.client.post("/crm/v3/objects/tasks", json={"properties": properties})
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    async def deliver(self) -> list[int | None]:
        """HubSpot delivers what is due; how each request was answered."""
        before = len(self.crm.sender.log)
        await self.crm.deliver(post_webhook)
        return [one.status for one in self.crm.sender.log[before:]]

    async def hints(self) -> set[str]:
        """The tasks that were hinted at."""
        assert self.app.events
        return {*await self.app.events.find_hints(await feed_of(self.app))}

    async def look(self) -> list[tuple[str, str | None]]:
        """Look, and return the kind and the title of all events in the feed."""
        assert self.app.events
        self.clock.move(seconds=30)
        with call_deadline(20, self.app.monotonic):
            await look(self.app)
        found = await self.app.events.list_events(await feed_of(self.app), EventQuery(limit=50))
        return [(one.event.kind, one.event.title) for one in found]


@asynccontextmanager
async def staged(folder: Path, *faults: Fault) -> AsyncIterator[Stage]:
    """HubSpot on a socket, and a server that has subscribed to it; the feed has begun."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    clock = FixedClock(START)
    stage = Stage(HubSpotSandbox(clock=clock, spec_variant=SpecVariant.parse(AT_ONCE), faults=faults), clock)
    try:
        async with AsyncExitStack() as stack:
            crm = await stack.enter_async_context(serve(stage.crm))
            headers = {"authorization": "Bearer pat-na1-sandbox"}
            stage.client = await stack.enter_async_context(httpx2.AsyncClient(base_url=crm, headers=headers))
            env = {"HUBSPOT_ACCESS_TOKEN": "pat-na1-sandbox", "HUBSPOT_WEBHOOK_KEY": CLIENT_SECRET}
            env |= {"HUBSPOT_BASE_URL": crm, "TASKHAND_DB": str(folder / "tasks.sqlite")}
            found = load_configuration(env | {"TASKHAND_CONFIG": str(config_in(folder))}, {})
            connections = await stack.enter_async_context(open_connections(found.connections, clock))
            stage.app = connections.first
            webhooks = open_webhooks(found, connections, WebhookOptions(are_taken=True))
            assert webhooks
            said, heard = anyio.create_memory_object_stream[str](5)
            stack.enter_context(said)
            tasks = await stack.enter_async_context(anyio.create_task_group())
            serving = partial(serve_http, announce=said.send_nowait, webhooks=webhooks)
            tasks.start_soon(serving, create_server(connections), Address("127.0.0.1", 0), anyio.lowlevel.checkpoint)
            with heard, anyio.fail_after(10):
                url = (await heard.receive()).rpartition(" ")[2].removesuffix("/mcp")
                assert (await heard.receive()) == "Webhooks are taken at /webhooks/ for default."
            stage.crm.hooks.url = f"{url}/webhooks/default"
            for name in DELIVERIES:
                stage.crm.hooks.subscribe(name)
            stage.crm.hooks.subscribe("object.propertyChange", "hs_task_subject")
            await stage.look()
            yield stage
            tasks.cancel_scope.cancel()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def config_in(folder: Path) -> Path:
    """An empty configuration file."""
    file = folder / "taskhand.toml"
    file.touch()
    return file


async def test_a_change_by_somebody_else_is_delivered_hinted_at_and_found_once(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        task = await stage.add("Call Acme")
        assert await stage.deliver() == [204]
        assert await stage.hints() == {task}
        assert await stage.look() == [("created", "Call Acme")]
        assert await stage.hints() == set()
        stage.clock.move(seconds=1)
        stage.crm.edit(task, hs_task_subject="Call Acme today")
        assert await stage.deliver() == [204]
        assert await stage.look() == [("created", "Call Acme"), ("updated", "Call Acme today")]
        assert stage.app.demand.take_hint()


@pytest.mark.parametrize(
    ("kind", "answers", "hints"),
    [
        ("lost", [None], 0),
        ("twice", [204, 401], 1),
        ("forged", [401, 204], 1),
        ("outdated", [401, 204], 1),
        ("late", [], 0),
        ("out_of_order", [], 0),
    ],
)
async def test_whatever_becomes_of_a_delivery_each_change_is_found_once(
    tmp_path: Path, kind: Any, answers: list[int | None], hints: int
) -> None:
    async with staged(tmp_path, Fault(kind, seconds=600)) as stage:
        await stage.add("A")
        assert await stage.deliver() == answers
        assert len(await stage.hints()) == hints
        assert await stage.look() == [("created", "A")]
        await stage.add("B")
        await stage.deliver()
        stage.clock.move(minutes=11)
        await stage.deliver()
        assert await stage.look() == [("created", "A"), ("created", "B")]
        assert await stage.look() == [("created", "A"), ("created", "B")]


async def test_a_delivery_that_found_no_server_comes_again_and_harms_nothing(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        url, stage.crm.hooks.url = stage.crm.hooks.url, "http://127.0.0.1:9/webhooks/default"
        await stage.add("A")
        assert await stage.deliver() == [None]
        assert await stage.look() == [("created", "A")]
        stage.crm.hooks.pending = [replace(one, url=str(url)) for one in stage.crm.hooks.pending]
        stage.clock.move(hours=2)
        assert await stage.deliver() == [204]
        assert await stage.look() == [("created", "A")]
