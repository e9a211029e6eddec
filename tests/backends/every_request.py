"""Every request to every CRM, as the methods of its client and of its webhooks send it, and what is sent of each.

`sent_requests.json` has the method, address, body and headers of each; `tests/documents.py` writes it.
"""

import inspect
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import anyio
import httpx2

from taskhand.backends.close.client import CloseClient
from taskhand.backends.close.events.webhooks import CloseWebhookAdmin
from taskhand.backends.hubspot.client import HubSpotClient
from taskhand.backends.hubspot.events.webhooks import HubSpotWebhookAdmin
from taskhand.backends.vambe.client import VambeClient, Window
from taskhand.backends.vambe.events.webhooks import VambeWebhookAdmin
from taskhand.domain.errors import TaskhandError
from taskhand.http.client import Client
from taskhand.http.upstream import Runtime, Upstream
from virtual_time import Time

__all__ = ["FILE", "OPENERS", "VALUES", "Answers", "answered", "requests_of", "send", "sent_requests_text"]

FILE: Final = Path(__file__).parent / "sent_requests.json"

OPENERS: Final[dict[str, Callable[[Any], Any]]] = {
    "close": lambda http: CloseClient(http, "America/Santiago"),
    "close webhooks": CloseWebhookAdmin,
    "hubspot": lambda http: HubSpotClient(http, http),
    "hubspot webhooks": lambda http: HubSpotWebhookAdmin(http, "1", "key"),
    "vambe": lambda http: VambeClient(http, "repeat"),
}
_FURTHER_OPENERS: Final[dict[str, Callable[[Any], Any]]] = {
    "hubspot by a property": lambda http: HubSpotClient(http, http, id_property="ref"),
    "hubspot of a dated version": lambda http: HubSpotClient(http, http, version="2026-03"),
    "vambe webhooks": VambeWebhookAdmin,
    "vambe with brackets": lambda http: VambeClient(http, "brackets"),
    "vambe with commas": lambda http: VambeClient(http, "comma"),
    "vambe with JSON": lambda http: VambeClient(http, "json"),
}
VALUES: Final[dict[str, Any]] = {
    **{name: ["1"] for name in ("ids", "companies", "lead_ids", "histories")},
    **{name: {} for name in ("params", "body", "filters", "properties")},
    **{name: [{}] for name in ("inputs", "types")},
    **dict.fromkeys(("cursor", "after", "key", "id_property"), None),
    **dict.fromkeys(("limit", "days"), 1),
    "skip": 0,
    "kind": "contacts",
    "day": date(2026, 3, 2),
    "since": datetime(2026, 3, 2, tzinfo=UTC),
    "pairs": [("1", "2"), ("3", "4")],
    "window": Window("2026-03-01", "2026-03-02"),
    "url": "https://tasks.example.com/webhooks",
    "token": "pat-1",
    "replaces": False,
    "events": ["task.created"],
    "wanted_events": ["task.created"],
    "good": (),
}
"""The values of arguments by name; any other argument is the id of a record."""
_OTHERS: Final[dict[str, Any]] = {
    **{name: ["1", "2"] for name in ("ids", "companies", "lead_ids", "histories")},
    **{name: {"given": "value"} for name in ("params", "body", "filters", "properties")},
    **{name: [{"given": 1}, {"given": 2}] for name in ("inputs", "types")},
    **dict.fromkeys(("cursor", "after"), "next"),
    **dict.fromkeys(("archived", "replaces"), True),
    "also": ["region", "amount"],
    "day": date(2026, 7, 2),
    "id_property": "ref",
    "kind": "deals",
    "kinds": ("contacts", "companies"),
    "limit": 25,
    "pairs": [("1", "2")],
    "query": None,
    "skip": 100,
    "window": Window("2026-03-01", "2026-03-02", ("1", "2"), dateless=False),
}
"""Further values, of optional arguments too."""
_HEADERS: Final = ("x-tz-offset", "x-http-method-override")


class Answers(httpx2.AsyncBaseTransport):
    """Answers every request with this status and body, and keeps the requests."""

    def __init__(self, status: int, body: bytes) -> None:
        self.requests: list[httpx2.Request] = []
        self._answer = status, body

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        status, body = self._answer
        return httpx2.Response(status, stream=httpx2.ByteStream(body))


@asynccontextmanager
async def answered(status: int, body: bytes) -> AsyncIterator[tuple[Client, Answers]]:
    """A client of a CRM that answers everything alike."""
    time, answers = Time(), Answers(status, body)
    runtime = Runtime(monotonic=time.clock, wall=time.wall, sleep=time.sleep, jitter=lambda: 0.5, transport=answers)
    upstream = Upstream(name="CRM", base_url="https://crm.example", auth={}, credential_name="KEY")
    async with Client(upstream, runtime=runtime) as client:
        yield client, answers


def requests_of(opener: Callable[[Any], Any]) -> list[str]:
    """The names of the methods that send requests."""
    found = inspect.getmembers(opener(None), inspect.iscoroutinefunction)
    return [name for name, _ in found if not name.startswith("_")]


async def send(method: Callable[..., Any], **others: Any) -> object:
    """Call a method with arguments of the right form; those in `others` are given even if they are optional."""
    given = inspect.signature(method).parameters.values()
    needed = [
        parameter
        for parameter in given
        if parameter.name in others
        or (parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD)
    ]
    values = [(parameter, (VALUES | others).get(parameter.name, "1")) for parameter in needed]
    named = {parameter.name: value for parameter, value in values if parameter.kind is parameter.KEYWORD_ONLY}
    return await method(
        *(value for parameter, value in values if parameter.kind is not parameter.KEYWORD_ONLY), **named
    )


def sent_requests_text() -> str:
    """The text of the file: the first request of each method, with its required arguments and with further ones."""
    return json.dumps(anyio.run(_sent_requests), indent=1, ensure_ascii=False) + "\n"


async def _sent_requests() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    async with answered(200, b"7") as (client, answers):
        for crm, opener in (OPENERS | _FURTHER_OPENERS).items():
            for name in requests_of(opener):
                texts: list[str] = []
                for others in ({}, _OTHERS, {"kind": "companies"}):
                    answers.requests.clear()
                    with suppress(TaskhandError, NotImplementedError):
                        await send(getattr(opener(client), name), **others)
                    texts += [_text_of(request) for request in answers.requests[:1]]
                found[f"{crm} {name}"] = list(dict.fromkeys(texts))
    usual = {one: texts for one, texts in found.items() if one.rpartition(" ")[0] in OPENERS}
    others = {one: texts for one, texts in found.items() if one not in usual and texts not in usual.values()}
    return usual | others


def _text_of(request: httpx2.Request) -> str:
    """A request in one line; a random secret in its body is left out."""
    headers = {name: request.headers[name] for name in _HEADERS if name in request.headers}
    body = json.loads(request.content) if request.content else None
    if isinstance(body, dict) and "secret" in body:
        body |= {"secret": f"{len(body['secret'])} random characters"}
    rest = [json.dumps(part) for part in (headers, body) if part]
    return " ".join([request.method, request.url.raw_path.decode(), *rest])
