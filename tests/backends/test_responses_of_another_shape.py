"""Every request to every CRM: a response of another shape than the documented one is an error with a message."""

import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, date, datetime
from typing import Any

import httpx2
import pytest

from passing import Time
from taskhand.backends.close.client import CloseClient
from taskhand.backends.close.events.webhooks import CloseWebhookAdmin
from taskhand.backends.hubspot.client import HubSpotClient
from taskhand.backends.hubspot.events.webhooks import HubSpotWebhookAdmin
from taskhand.backends.vambe.client import VambeClient, Window
from taskhand.domain.errors import TaskhandError
from taskhand.http.client import Client
from taskhand.http.upstream import Runtime, Upstream

OPENERS: dict[str, Callable[[Any], Any]] = {
    "close": lambda http: CloseClient(http, None),
    "close webhooks": CloseWebhookAdmin,
    "hubspot": lambda http: HubSpotClient(http, http),
    "hubspot webhooks": lambda http: HubSpotWebhookAdmin(http, "1", "key"),
    "vambe": lambda http: VambeClient(http, "repeat"),
}
VALUES: dict[str, Any] = {
    **{name: ["1"] for name in ("ids", "companies", "lead_ids", "histories")},
    **{name: {} for name in ("params", "body", "filters", "properties")},
    **{name: [{}] for name in ("inputs", "types")},
    **dict.fromkeys(("cursor", "after", "key"), None),
    **dict.fromkeys(("limit", "days"), 1),
    "skip": 0,
    "kind": "contacts",
    "day": date(2026, 3, 2),
    "since": datetime(2026, 3, 2, tzinfo=UTC),
    "pairs": [("1", "2"), ("3", "4")],
    "by_property": True,
    "window": Window("2026-03-01", "2026-03-02"),
    "url": "https://tasks.example.com/webhooks",
    "token": "pat-1",
    "replaces": False,
    "events": ["task.created"],
    "wanted": ["task.created"],
    "good": (),
}
"""The values of arguments by name; any other argument is the id of a record."""
NEVER_SENT = {"close webhooks create", "close webhooks add_missing"}
"""Methods of CRMs with a subscription for each event; Close has one subscription for all events."""
UNREAD = {"hubspot link", "hubspot link_as", "hubspot unlink", "close webhooks delete", "hubspot webhooks delete"}
"""The requests whose successful responses are not read: their status tells all."""


def requests_of(opener: Callable[[Any], Any]) -> list[str]:
    """The names of the methods that send requests."""
    found = inspect.getmembers(opener(None), inspect.iscoroutinefunction)
    return [name for name, _ in found if not name.startswith("_")]


CASES = [
    case
    for crm, opener in OPENERS.items()
    for name in requests_of(opener)
    if (case := f"{crm} {name}") not in NEVER_SENT
]


@asynccontextmanager
async def answering(body: bytes) -> AsyncIterator[Client]:
    """A client of a CRM that answers everything with this body."""
    time = Time()
    runtime = Runtime(clock=time.clock, wall=time.wall, sleep=time.sleep, jitter=lambda: 0.5)
    upstream = Upstream(name="CRM", base_url="https://crm.example", auth={}, credential="KEY")
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, stream=httpx2.ByteStream(body)))
    async with Client(upstream, runtime=runtime, transport=transport) as client:
        yield client


async def send(client: Client, case: str) -> object:
    """Call the method of a case with arguments of the right form."""
    crm, _, name = case.rpartition(" ")
    method = getattr(OPENERS[crm](client), name)
    given = inspect.signature(method).parameters.values()
    needed = [one for one in given if one.default is one.empty and one.kind is not one.VAR_KEYWORD]
    values = [(one, VALUES.get(one.name, "1")) for one in needed]
    named = {one.name: value for one, value in values if one.kind is one.KEYWORD_ONLY}
    return await method(*(value for one, value in values if one.kind is not one.KEYWORD_ONLY), **named)


@pytest.mark.parametrize("case", CASES)
async def test_a_response_of_another_shape_is_an_error_with_a_message(case: str) -> None:
    async with answering(b"7") as client:
        expected = nullcontext() if case in UNREAD else pytest.raises(TaskhandError, match="a number instead of an ")
        with expected:
            await send(client, case)
