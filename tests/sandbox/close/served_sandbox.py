"""A sandbox behind a real socket with two clients, and the people and tasks of these tests."""

from __future__ import annotations

import datetime as dt
import ssl
from contextlib import asynccontextmanager, closing
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import anyio.to_thread
import httpx2
from closeio_api import API  # type: ignore[import-untyped]  # the vendor's client has no types

from taskhand.sandbox.close import CloseSandbox, SpecVariant
from taskhand.sandbox.server import serve_sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

ANA, BEN, GIL = "user_ana", "user_ben", "user_gil"
LEAD, OTHER_LEAD, CONTACT = "lead_wayne", "lead_acme", "cont_bruce"
TASK, CALL, MISSED = "task_one", "task_call", "noti_missed"
TRUST = ssl.create_default_context()  # made once: it is the slowest part of a client
DRAFT: dict[str, Any] = {"_type": "lead", "lead_id": LEAD, "text": "Call back"}
START = dt.datetime(2025, 11, 5, 15, 30, tzinfo=dt.UTC)


def user(user_id: str, first: str, last: str = "Paz", **rest: Any) -> dict[str, Any]:
    return {"id": user_id, "first_name": first, "last_name": last, "email": f"{first.lower()}@example.com"} | rest


SEED: dict[str, Any] = {
    "users": [user(ANA, "Ana", zone="America/Denver"), user(BEN, "Ben", "Abel"), user(GIL, "Gil", active=False)],
    "leads": [
        {
            "id": LEAD,
            "name": "Wayne Enterprises",
            "contacts": [{"id": CONTACT, "name": "Bruce Wayne", "emails": ["bruce@wayne.example"]}],
        },
        {"id": OTHER_LEAD, "name": "Acme", "status": "Customer"},
    ],
    "tasks": [
        {"id": TASK, "text": "Renew", "lead_id": LEAD, "date": "2025-11-05"},
        {"id": CALL, "_type": "outgoing_call", "text": "Qualify", "lead_id": LEAD, "contact_id": CONTACT},
        {"id": MISSED, "_type": "missed_call", "lead_id": LEAD, "date": "2025-11-04T09:00:00Z", "phone": "+1"},
    ],
}


class Clock:
    """A clock that is advanced by hand."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> dt.datetime:
        return self.now

    def advance(self, **span: float) -> None:
        self.now += dt.timedelta(**span)


class ServedSandbox(NamedTuple):
    sandbox: CloseSandbox
    client: httpx2.AsyncClient
    vendor: API
    clock: Clock

    async def by_vendor(self, verb: str, *words: Any, **options: Any) -> Any:
        """Call the vendor's client, which is synchronous, in a thread."""
        call: Callable[..., Any] = getattr(self.vendor, verb)
        return await anyio.to_thread.run_sync(partial(call, *words, **options))

    async def list_tasks(self, **query: str) -> list[dict[str, Any]]:
        answer = await self.client.get("task/", params=query)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["data"])

    async def list_ids(self, **query: str) -> list[str]:
        return [task["id"] for task in await self.list_tasks(**query)]

    async def create_task(self, **fields: object) -> dict[str, Any]:
        answer = await self.client.post("task/", json=DRAFT | fields)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def update_task(self, task_id: str = TASK, /, **fields: object) -> dict[str, Any]:
        answer = await self.client.put(f"task/{task_id}/", json=fields)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def refuse_update(self, task_id: str = TASK, /, **fields: object) -> dict[str, Any]:
        """Send an update that must change nothing, and return its errors by field."""
        before = self.sandbox.tasks
        answer = await self.client.put(f"task/{task_id}/", json=fields)
        assert (answer.status_code, self.sandbox.tasks) == (400, before), answer.text
        assert answer.json()["errors"] == []
        return dict(answer.json()["field-errors"])

    async def get_task(self, task_id: str = TASK) -> dict[str, Any]:
        return dict((await self.client.get(f"task/{task_id}/")).json())


@asynccontextmanager
async def open_served_sandbox(*spec_variant: str, offset: float = 0.0, **options: Any) -> AsyncIterator[ServedSandbox]:
    clock = Clock()
    given: dict[str, Any] = {"seed": SEED, "spec_variant": SpecVariant.parse(spec_variant), "clock": clock} | options
    sandbox = CloseSandbox(**given)
    async with (
        serve_sandbox(sandbox) as url,
        httpx2.AsyncClient(base_url=f"{url}/api/v1/", auth=(sandbox.key, ""), verify=TRUST) as client,
    ):
        client.headers["x-tz-offset"] = str(offset)
        vendor = API(f"{url}/api/v1/", sandbox.key, tz_offset=offset or "0")
        with closing(vendor.session):
            yield ServedSandbox(sandbox, client, vendor, clock)
