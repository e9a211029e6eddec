"""From a change that somebody else makes in a CRM to an event in the feed, by the CRM's own delivery."""

import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from backends.sandboxed_app import TRUST
from fixed_clock import FixedClock
from server.webhooks.webhook_server import by_hubspot, find_hints
from taskhand.call.deadline import call_deadline
from taskhand.cli.serve import WebhookOptions
from taskhand.cli.webhook_receivers import open_webhook_receivers
from taskhand.config.effective_settings import load_configuration
from taskhand.events.event_store import EventQuery
from taskhand.sandbox.close import CloseSandbox
from taskhand.sandbox.emulator import Emulator
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.hubspot import HubSpotSandbox
from taskhand.sandbox.hubspot import SpecVariant as HubSpotVariant
from taskhand.sandbox.hubspot.sandbox import CLIENT_SECRET as HUBSPOT_SECRET
from taskhand.sandbox.server import serve_sandbox
from taskhand.sandbox.vambe import SpecVariant as VambeVariant
from taskhand.sandbox.vambe import VambeSandbox
from taskhand.sandbox.webhook_post import post_webhook
from taskhand.server.app import create_server
from taskhand.server.transports.host_names import ListenAddress
from taskhand.server.transports.http import Endpoint, SideRoutes, serve_http
from taskhand.service.app_context import AppContext
from taskhand.service.events.feed_poll import feed_of, look
from taskhand.wiring import open_connections
from time_limits import BOUND_S

pytestmark = pytest.mark.anyio

START = datetime(2026, 11, 26, 9, tzinfo=UTC)
AT_ONCE = ("burst=0", "searches=0", "settle_ms=0", "search_lag=0")
DELIVERIES = ("object.creation", "object.deletion")


@dataclass
class ObservedCrm:
    """A CRM, and a server that takes its webhooks; both have a clock that is moved by hand."""

    crm: Emulator
    clock: FixedClock
    app: AppContext
    client: httpx2.AsyncClient

    async def send(self, method: str, path: str, body: object = None) -> Any:
        """Somebody else changes something in the CRM."""
        self.clock.move(seconds=1)
        answer = await self.client.request(method, path, json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def add(self, title: str) -> str:
        """Somebody else makes a task in HubSpot."""
        properties = {"hs_task_subject": title, "hs_timestamp": "2026-11-27T09:00:00Z"}
        return str((await self.send("POST", "/crm/v3/objects/tasks", {"properties": properties}))["id"])

    async def deliver(self) -> list[int | None]:
        """The CRM delivers what is due; how each request was answered."""
        before = len(self.crm.sender.log)
        await self.crm.deliver(post_webhook)
        return [one.status for one in self.crm.sender.log[before:]]

    async def look(self) -> list[tuple[str, str | None]]:
        """Look, and return the kind and the title of all events in the feed."""
        assert self.app.events
        self.clock.move(seconds=30)
        with call_deadline(20, self.app.call_time.monotonic):
            await look(self.app)
        found = await self.app.events.list_events(await feed_of(self.app), EventQuery(limit=50))
        return [(one.event.kind, one.event.title) for one in found]


@asynccontextmanager
async def serving(env: dict[str, str], folder: Path, clock: FixedClock) -> AsyncIterator[tuple[AppContext, str]]:
    """A server that takes the webhooks of the only connection, and their address."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    found = load_configuration(
        env | {"TASKHAND_CONFIG": str(config_in(folder)), "TASKHAND_DB": str(folder / "tasks.sqlite")}, {}
    )
    said, heard = anyio.create_memory_object_stream[str](5)
    try:
        async with open_connections(found.connections, clock) as connections, anyio.create_task_group() as tasks:
            webhooks = open_webhook_receivers(found, connections, WebhookOptions(are_taken=True))
            serve_it = partial(serve_http, beside=SideRoutes(webhooks=webhooks))
            endpoint = Endpoint(ListenAddress("127.0.0.1", 0), announce=said.send_nowait)
            tasks.start_soon(serve_it, create_server(connections), endpoint, anyio.lowlevel.checkpoint)
            with said, heard, anyio.fail_after(BOUND_S):
                url = (await heard.receive()).rpartition(" ")[2].removesuffix("/mcp")
                assert (await heard.receive()) == "Webhooks are accepted at /webhooks/ for default."
            yield connections.first, f"{url}/webhooks/default"
            tasks.cancel_scope.cancel()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


@asynccontextmanager
async def on_hubspot(folder: Path, *faults: Fault) -> AsyncIterator[ObservedCrm]:
    """HubSpot, whose app delivers to a server; the feed has begun."""
    clock = FixedClock(START)
    crm = HubSpotSandbox(clock=clock, spec_variant=HubSpotVariant.parse(AT_ONCE), faults=faults)
    env = {"HUBSPOT_ACCESS_TOKEN": crm.token, "HUBSPOT_WEBHOOK_KEY": HUBSPOT_SECRET}
    async with (
        serve_sandbox(crm) as url,
        httpx2.AsyncClient(base_url=url, headers={"authorization": f"Bearer {crm.token}"}, verify=TRUST) as client,
        serving(env | {"HUBSPOT_BASE_URL": url}, folder, clock) as (app, address),
    ):
        crm.hooks.url = address
        for name in DELIVERIES:
            crm.hooks.subscribe(name)
        crm.hooks.subscribe("object.propertyChange", "hs_task_subject")
        observed = ObservedCrm(crm, clock, app, client)
        await observed.look()
        yield observed


@asynccontextmanager
async def on_close(folder: Path, *faults: Fault) -> AsyncIterator[ObservedCrm]:
    """Close with a subscription to a server, which has its key; the feed has begun."""
    clock = FixedClock(START)
    crm = CloseSandbox(clock=clock, faults=faults)
    async with AsyncExitStack() as stack:
        url = f"{await stack.enter_async_context(serve_sandbox(crm))}/api/v1"
        client = await stack.enter_async_context(httpx2.AsyncClient(base_url=url, auth=(crm.key, ""), verify=TRUST))
        events = [{"object_type": "task.lead", "action": one} for one in ("created", "updated", "deleted", "completed")]
        made = (await client.post("/webhook/", json={"url": "https://tasks.example.com", "events": events})).json()
        env = {"CLOSE_API_KEY": crm.key, "CLOSE_BASE_URL": url, "CLOSE_WEBHOOK_KEY": made["signature_key"]}
        app, address = await stack.enter_async_context(serving(env, folder, clock))
        await client.put(f"/webhook/{made['id']}/", json={"url": address})
        observed = ObservedCrm(crm, clock, app, client)
        await observed.look()
        await crm.deliver(post_webhook)
        yield observed


def config_in(folder: Path) -> Path:
    """An empty configuration file."""
    file = folder / "taskhand.toml"
    file.touch()
    return file


def hubspot(observed: ObservedCrm) -> HubSpotSandbox:
    """The CRM as what it is."""
    assert isinstance(observed.crm, HubSpotSandbox)
    return observed.crm


async def test_a_change_by_somebody_else_is_delivered_hinted_at_and_found_once(tmp_path: Path) -> None:
    async with on_hubspot(tmp_path) as observed:
        task = await observed.add("Call Acme")
        assert await observed.deliver() == [204]
        assert await find_hints(observed.app) == {task}
        assert await observed.look() == [("created", "Call Acme")]
        assert await find_hints(observed.app) == set()
        observed.clock.move(seconds=1)
        hubspot(observed).edit(task, hs_task_subject="Call Acme today")
        assert await observed.deliver() == [204]
        assert await observed.look() == [("created", "Call Acme"), ("updated", "Call Acme today")]
        assert observed.app.feed_demand.take_hint()


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
async def test_each_change_is_reported_once_whether_deliveries_are_lost_or_repeated(
    tmp_path: Path, kind: Any, answers: list[int | None], hints: int
) -> None:
    async with on_hubspot(tmp_path, Fault(kind, seconds=600)) as observed:
        await observed.add("A")
        assert await observed.deliver() == answers
        assert len(await find_hints(observed.app)) == hints
        assert await observed.look() == [("created", "A")]
        await observed.add("B")
        await observed.deliver()
        observed.clock.move(minutes=11)
        await observed.deliver()
        assert await observed.look() == [("created", "A"), ("created", "B")]
        assert await observed.look() == [("created", "A"), ("created", "B")]


async def test_a_genuine_delivery_about_a_missing_task_reports_no_change(tmp_path: Path) -> None:
    async with on_hubspot(tmp_path) as observed:
        uri, body = str(hubspot(observed).hooks.url), b'[{"objectId": 404, "objectTypeId": "0-27"}]'
        headers = by_hubspot(uri, body, observed.clock(), HUBSPOT_SECRET)
        assert (await observed.client.post(uri, headers=headers, content=body)).status_code == 204
        assert await find_hints(observed.app) == {"404"}
        assert await observed.look() == []
        assert await find_hints(observed.app) == set()


async def test_a_delivery_that_found_no_server_comes_again_and_harms_nothing(tmp_path: Path) -> None:
    async with on_hubspot(tmp_path) as observed:
        hooks = hubspot(observed).hooks
        url, hooks.url = hooks.url, "http://127.0.0.1:9/webhooks/default"
        await observed.add("A")
        assert await observed.deliver() == [None]
        assert await observed.look() == [("created", "A")]
        hooks.pending = [replace(one, url=str(url)) for one in hooks.pending]
        observed.clock.move(hours=2)
        assert await observed.deliver() == [204]
        assert await observed.look() == [("created", "A")]


@pytest.mark.parametrize("kind", [None, "lost", "twice", "forged", "outdated", "late", "out_of_order"])
async def test_the_life_of_a_task_in_close_is_found_once_whatever_becomes_of_its_deliveries(
    tmp_path: Path, kind: Any
) -> None:
    async with on_close(tmp_path, *([Fault(kind, nth="every", seconds=600)] if kind else [])) as observed:
        lead = (await observed.send("GET", "/lead/"))["data"][0]["id"]
        draft = {"_type": "lead", "lead_id": lead, "text": "Call Acme", "date": "2026-11-27"}
        task = (await observed.send("POST", "/task/", draft))["id"]
        answers = await observed.deliver()
        assert await find_hints(observed.app) == ({task} if kind in {None, "twice", "forged", "outdated"} else set())
        await observed.look()
        await observed.send("PUT", f"/task/{task}/", {"text": "Call Acme today"})
        answers += await observed.deliver()
        await observed.send("PUT", f"/task/{task}/", {"is_complete": True})
        await observed.look()
        await observed.send("DELETE", f"/task/{task}/")
        observed.clock.move(minutes=11)
        answers += await observed.deliver()
        assert (401 in answers) == (kind in {"forged", "outdated"})
        found = await observed.look()
        assert [one for one, _ in found] == ["created", "updated", "completed", "deleted"]
        assert await observed.look() == found
        assert await find_hints(observed.app) == set()


async def test_vambe_delivers_to_a_secret_address_that_some_task_was_changed(tmp_path: Path) -> None:
    clock, secret = FixedClock(START), "Jq3-J4yZ_o0u3UdA2m1hGvQ7"
    crm = VambeSandbox(clock=clock, spec_variant=VambeVariant(topics="tasks"), faults=[Fault("forged")])
    async with (
        serve_sandbox(crm) as url,
        httpx2.AsyncClient(base_url=url, headers={"x-api-key": crm.key}, verify=TRUST) as client,
        serving(
            {"VAMBE_API_KEY": crm.key, "VAMBE_BASE_URL": url, "VAMBE_WEBHOOK_KEY": secret, "VAMBE_CACHE_S": "0"},
            tmp_path,
            clock,
        ) as (app, address),
    ):
        observed = ObservedCrm(crm, clock, app, client)
        await observed.send("POST", "/api/webhooks", {"url": f"{address}/{secret}", "topics": ["task.updated"]})
        await observed.look()
        await observed.send("PUT", f"/api/public/tasks/{crm.tasks[0]['id']}", {"title": "Call Acme today"})
        assert await observed.deliver() == [401, 204]
        assert await find_hints(observed.app) == {""}
        await observed.look()
        assert await observed.look() == [("updated", "Call Acme today")]
        assert await find_hints(observed.app) == set()
