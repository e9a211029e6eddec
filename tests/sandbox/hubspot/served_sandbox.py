"""A sandbox behind a real socket with two clients, and the people and tasks of these tests."""

from __future__ import annotations

import datetime as dt
import ssl
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import anyio.to_thread
import httpx2

from taskhand.sandbox.hubspot import HubSpotSandbox, SpecVariant
from taskhand.sandbox.server import serve_sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

TASKS = "/crm/v3/objects/tasks"
SEARCH = f"{TASKS}/search"
ANA, BEN, GIL = "6166860", "6166861", "6166869"
ROSA, TOM, ACME = "101", "102", "201"
TASK, DONE, BINNED = "77597400001", "77597400002", "77597400003"
NOBODY = "99999999999"
DUE = "2026-11-25T15:00:00Z"
COMPLETED_STAGE = "61bafb31-e7fa-46ed-aaa9-1322438d6e67"
TRUST = ssl.create_default_context()  # made once: it is the slowest part of a client
DRAFT: dict[str, Any] = {"hs_timestamp": DUE, "hs_task_subject": "Llamar"}


def owner(owner_id: str, first: str, user_id: int, *, archived: bool = False) -> dict[str, Any]:
    row = {"id": owner_id, "firstName": first, "lastName": "Paz", "email": f"{first.lower()}@example.com"}
    return row | {"userId": user_id, "archived": archived}


SEED: dict[str, Any] = {
    "owners": [owner(ANA, "Ana", 11), owner(BEN, "Ben", 12), owner(GIL, "Gil", 13, archived=True)],
    "contacts": [
        {"id": ROSA, "properties": {"firstname": "Rosa", "lastname": "Vera", "email": "rosa@example.com"}},
        {"id": TOM, "properties": {"firstname": "Tomás", "lastname": "Rosales", "phone": "+56 9 1234 5678"}},
    ],
    "companies": [{"id": ACME, "properties": {"name": "Acme", "domain": "acme.example"}}],
    "tasks": [
        {
            "id": TASK,
            "createdAt": "2026-11-01T10:00:00Z",
            "contacts": [ROSA],
            "properties": {
                "hs_timestamp": DUE,
                "hs_task_subject": "Revisar contrato",
                "hs_task_body": "<p>Cláusula &amp; plazo</p>",
                "hubspot_owner_id": ANA,
                "hs_task_priority": "HIGH",
            },
        },
        {
            "id": DONE,
            "createdAt": "2026-11-02T10:00:00Z",
            "properties": {"hs_timestamp": "2026-11-05T12:00:00Z", "hs_task_status": "COMPLETED"},
        },
        {"id": BINNED, "archived": True, "properties": {"hs_timestamp": DUE, "hs_task_subject": "Duplicada"}},
    ],
}


class Clock:
    """A clock that is advanced by hand."""

    def __init__(self) -> None:
        self.now = dt.datetime(2026, 11, 20, 14, 0, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += dt.timedelta(seconds=seconds)


class ServedSandbox(NamedTuple):
    sandbox: HubSpotSandbox
    client: httpx2.AsyncClient
    clock: Clock

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        answer = await self.client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def send(self, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
        answer = await self.client.request(method, path, json=body)
        return answer.status_code, answer.json() if answer.content else {}

    async def get_task(self, *names: str, task_id: str = TASK) -> dict[str, Any]:
        """Return some properties of one task."""
        return dict((await self.get(f"{TASKS}/{task_id}", properties=",".join(names)))["properties"])

    async def create_task(self, **properties: object) -> dict[str, Any]:
        status, body = await self.send("POST", TASKS, {"properties": DRAFT | properties})
        assert status == 201, body
        return body

    async def update_task(self, **properties: object) -> dict[str, Any]:
        status, body = await self.send("PATCH", f"{TASKS}/{TASK}", {"properties": properties})
        assert status == 200, body
        return dict(body["properties"])

    async def refuse_update(self, **properties: object) -> dict[str, Any]:
        """Send an update that must change nothing, and return its error."""
        before = self.sandbox.tasks
        status, body = await self.send("PATCH", f"{TASKS}/{TASK}", {"properties": properties})
        assert (status, self.sandbox.tasks) == (400, before)
        return body

    async def batch(self, what: str, *inputs: dict[str, Any], **fields: object) -> tuple[int, dict[str, Any]]:
        return await self.send("POST", f"{TASKS}/batch/{what}", {"inputs": list(inputs), **fields})

    async def search(self, **body: object) -> list[str]:
        """Search tasks and return their ids."""
        status, page = await self.send("POST", SEARCH, body)
        assert status == 200, page
        return [row["id"] for row in page["results"]]


@asynccontextmanager
async def open_served_sandbox(
    *spec_variant: str, **options: Any
) -> AsyncIterator[ServedSandbox]:  # the sandbox's own options
    clock = Clock()
    given: dict[str, Any] = {
        "seed": SEED,
        "clock": clock,
        "spec_variant": SpecVariant.parse(["searches=0", *spec_variant]),
    }
    sandbox = HubSpotSandbox(**(given | options))
    headers = {"authorization": f"Bearer {sandbox.token}"}
    async with (
        serve_sandbox(sandbox) as url,
        httpx2.AsyncClient(base_url=url, headers=headers, verify=TRUST) as client,
    ):
        yield ServedSandbox(sandbox, client, clock)


async def threaded(call: Callable[..., Any], *args: object, **options: object) -> Any:  # whatever the vendor gives
    """Run a blocking call of the vendor's client in a thread."""
    return await anyio.to_thread.run_sync(partial(call, *args, **options))
