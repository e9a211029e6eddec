"""A server that takes webhooks over HTTP in this process, and deliveries to it as the CRMs sign them."""

import hmac
import json
import signal
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final

import anyio
import httpx2

from backends.sandboxed_app import TRUST
from fixed_clock import FixedClock
from taskhand.backends.close.events.webhooks import CloseWebhookCheck
from taskhand.backends.hubspot.events.webhooks import HubSpotWebhookCheck
from taskhand.backends.vambe.events.webhooks import VambeWebhookCheck
from taskhand.config.settings import Settings
from taskhand.domain.webhook import WebhookCheck
from taskhand.server.app import create_server
from taskhand.server.transports.host_names import ListenAddress
from taskhand.server.transports.http import Endpoint, SideRoutes, serve_http
from taskhand.server.transports.http_limits import HttpLimits
from taskhand.server.transports.proxies import Proxies
from taskhand.server.webhooks.receiver import KeepHint, WebhookReceiver, WebhookReceivers
from taskhand.service.app_context import AppContext
from taskhand.service.events.feed_poll import feed_of
from taskhand.service.events.webhook_hint import keep_hint
from taskhand.wiring import open_app
from time_limits import BOUND_S

__all__ = ["BASE", "CLOSE_BODY", "HUBSPOT_BODY", "SECRET", "Taking", "by_close", "by_hubspot", "find_hints", "taking"]

CLOSE_KEY: Final = "5c" * 32
HUBSPOT_SECRET: Final = "client-secret-of-the-app"  # noqa: S105  # of these tests
SECRET: Final = "Jq3-J4yZ_o0u3UdA2m1hGvQ7"  # noqa: S105  # of these tests
BASE: Final = "https://tasks.example.com"
CLOSE_BODY: Final = json.dumps({"event": {"object_type": "task.lead", "object_id": "task_1"}}).encode()
HUBSPOT_BODY: Final = json.dumps([{"objectId": 77, "objectTypeId": "0-27"}]).encode()

_CHECKS: Final[Mapping[str, WebhookCheck]] = {
    "close": CloseWebhookCheck(CLOSE_KEY, "CLOSE_WEBHOOK_KEY"),
    "hubspot": HubSpotWebhookCheck(HUBSPOT_SECRET),
    "vambe": VambeWebhookCheck(SECRET, "VAMBE_WEBHOOK_KEY"),
}


@dataclass
class Taking:
    """The server's address, its clock, what it has said, and for each hint the connection that was woken."""

    url: str
    app: AppContext
    clock: FixedClock
    client: httpx2.AsyncClient
    webhooks: WebhookReceivers
    woken: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    async def post(self, path: str, headers: Mapping[str, str], body: bytes) -> int:
        """Deliver; the status of the answer, which has no body unless it is about limits."""
        answer = await self.client.post(f"{self.url}{path}", headers=dict(headers), content=body)
        assert not answer.content or answer.status_code in {404, 429}
        return answer.status_code


def by_close(body: bytes, at: datetime, key: str = CLOSE_KEY) -> dict[str, str]:
    """The headers of Close for a body."""
    timestamp = str(int(at.timestamp()))
    signed = hmac.new(bytes.fromhex(key), timestamp.encode() + body, sha256).hexdigest()
    return {"close-sig-hash": signed, "close-sig-timestamp": timestamp}


def by_hubspot(uri: str, body: bytes, at: datetime, secret: str = HUBSPOT_SECRET) -> dict[str, str]:
    """The headers of HubSpot for a body that is sent to an address."""
    timestamp = str(int(at.timestamp() * 1000))
    signed = hmac.new(secret.encode(), f"POST{uri}".encode() + body + timestamp.encode(), sha256).digest()
    return {"x-hubspot-signature-v3": b64encode(signed).decode(), "x-hubspot-request-timestamp": timestamp}


@asynccontextmanager
async def taking(
    store: Path,
    *proxies: str,
    base: str | None = BASE,
    limits: HttpLimits | None = None,
    kept_s: float = 3.0,
    keep: Callable[[AppContext], KeepHint] = lambda app: partial(keep_hint, app),
) -> AsyncIterator[Taking]:
    """The server on a built-in store, in whose feed it keeps the hints of three connections."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    clock, ticks = FixedClock(), iter(range(0, 1_000_000, 3))
    try:
        async with (
            open_app(Settings.from_env({"TASKHAND_DB": str(store)}), clock) as app,
            httpx2.AsyncClient(verify=TRUST) as client,
            anyio.create_task_group() as tasks,
        ):
            woken: list[str] = []
            receivers = {
                name: WebhookReceiver(name, check, keep(app), partial(woken.append, name))
                for name, check in _CHECKS.items()
            }
            webhooks = WebhookReceivers(receivers, base, clock, lambda: float(next(ticks)), kept_s)
            found = Taking("", app, clock, client, webhooks, woken)
            listening = anyio.Event()

            def announce(line: str) -> None:
                found.said.append(line)
                if line.endswith("/mcp"):
                    found.url = line.removesuffix("/mcp").rpartition(" ")[2]
                    listening.set()

            serve = partial(serve_http, beside=SideRoutes(webhooks=webhooks))
            address = ListenAddress("127.0.0.1", 0, is_insecure=bool(proxies))
            endpoint = Endpoint(address, limits or HttpLimits(), Proxies.parse(proxies), announce=announce)
            tasks.start_soon(serve, create_server(app), endpoint, anyio.lowlevel.checkpoint)
            with anyio.fail_after(BOUND_S):
                await listening.wait()
            yield found
            tasks.cancel_scope.cancel()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


async def find_hints(app: AppContext) -> set[str]:
    """The ids of the tasks that were hinted at."""
    assert app.events
    return {*await app.events.find_hints(await feed_of(app))}
