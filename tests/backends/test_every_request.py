"""Every request to every CRM: a response of another shape is an error, and only reads are repeated."""

import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, date, datetime
from typing import Any

import httpx2
import pytest

from taskhand.backends.close.client import CloseClient
from taskhand.backends.close.events.webhooks import CloseWebhookAdmin
from taskhand.backends.hubspot.client import HubSpotClient
from taskhand.backends.hubspot.events.webhooks import HubSpotWebhookAdmin
from taskhand.backends.vambe.client import VambeClient, Window
from taskhand.domain.errors import RateLimited, TaskhandError
from taskhand.http.client import Client
from taskhand.http.upstream import Runtime, Upstream
from virtual_time import Time

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
CREATES = {"close create", "close create_note", "hubspot create", "hubspot create_many", "vambe create"}
"""The requests before whose repetition the caller searches for what they may have made."""
WRITES = {
    *CREATES,
    *(f"close {name}" for name in ("update", "delete", "update_many", "delete_note")),
    *(f"hubspot {name}" for name in ("update", "archive", "update_many", "link", "link_as", "unlink")),
    *("vambe update", "vambe delete"),
}
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


class Answers(httpx2.AsyncBaseTransport):
    """Answers every request with this status and body, and counts them."""

    def __init__(self, status: int, body: bytes) -> None:
        self.count = 0
        self._answer = status, body

    async def handle_async_request(self, _request: httpx2.Request) -> httpx2.Response:
        self.count += 1
        status, body = self._answer
        return httpx2.Response(status, stream=httpx2.ByteStream(body))


@asynccontextmanager
async def answered(status: int, body: bytes) -> AsyncIterator[tuple[Client, Answers]]:
    """A client of a CRM that answers everything alike."""
    time, answers = Time(), Answers(status, body)
    runtime = Runtime(clock=time.clock, wall=time.wall, sleep=time.sleep, jitter=lambda: 0.5)
    upstream = Upstream(name="CRM", base_url="https://crm.example", auth={}, credential="KEY")
    async with Client(upstream, runtime=runtime, transport=answers) as client:
        yield client, answers


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
    async with answered(200, b"7") as (client, _):
        expected = nullcontext() if case in UNREAD else pytest.raises(TaskhandError, match="a number instead of an ")
        with expected:
            await send(client, case)


@pytest.mark.parametrize("case", [one for one in CASES if "webhooks" not in one])
async def test_only_reads_are_repeated_after_a_failure_of_the_crm(case: str) -> None:
    async with answered(500, b"") as (client, answers):
        with pytest.raises(TaskhandError):
            await send(client, case)
    assert (answers.count > 1) == (case not in WRITES)


@pytest.mark.parametrize("case", sorted(CREATES))
async def test_a_create_that_the_crm_throttles_is_not_repeated_by_the_client(case: str) -> None:
    async with answered(429, b"") as (client, answers):
        with pytest.raises(RateLimited):
            await send(client, case)
    assert answers.count == 1
