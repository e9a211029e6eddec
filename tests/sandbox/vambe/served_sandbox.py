"""A sandbox behind a real socket with a client, and the people and tasks of these tests."""

from __future__ import annotations

import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx2

from taskhand.sandbox.server import serve_sandbox
from taskhand.sandbox.vambe import SpecVariant, VambeSandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TASKS = "/api/public/tasks"
MEMBERS = "/api/public/team-members/all"
ANA = "aaaaaaaa-0000-4000-8000-000000000001"
BEN = "aaaaaaaa-0000-4000-8000-000000000002"
GONE = "aaaaaaaa-0000-4000-8000-000000000003"
CONTACT = "cccccccc-0000-4000-8000-000000000001"
CUSTOMER = "dddddddd-0000-4000-8000-000000000001"
TASK = "eeeeeeee-0000-4000-8000-000000000001"
FOREIGN = "eeeeeeee-0000-4000-8000-000000000002"
NOBODY = "99999999-0000-4000-8000-000000000009"
ZONE = "America/Santiago"
YEAR = {"fromDate": "2025-01-01", "toDate": "2025-12-31"}
TRUST = ssl.create_default_context()  # made once: it is the slowest part of a client
DRAFT: dict[str, Any] = {"title": "Llamar", "responsibleIds": [ANA], "priority": "1"}


def member(member_id: str, name: str, *, active: bool = True) -> dict[str, Any]:
    row = {"id": member_id, "name": f"{name} Paz", "first_name": name, "last_name": "Paz"}
    return row | {"email": f"{name.lower()}@example.com", "active": active}


SEED: dict[str, Any] = {
    "members": [member(ANA, "Ana"), member(BEN, "Ben"), member(GONE, "Gil", active=False)],
    "contacts": [
        {
            "id": CONTACT,
            "name": "Rosa",
            "phone": "+56 9 1234 5678",
            "email": "Rosa@Example.com",
            "ai_customer_id": CUSTOMER,
            "default_stage_id": "stage-1",
            "created_at": "2025-01-01T00:00:00Z",
            "last_message_at": "2025-10-10T10:30:00Z",
        }
    ],
    "tasks": [
        {
            "id": TASK,
            "title": "Revisar",
            "responsibleIds": [ANA],
            "priority": "2",
            "dueDate": "2025-10-26",
            "dueTime": "15:00",
            "timezone": ZONE,
            "aiContactId": CONTACT,
        },
        {"id": FOREIGN, "title": "Ajena", "foreign": True},
    ],
}


class ServedSandbox(NamedTuple):
    sandbox: VambeSandbox
    client: httpx2.AsyncClient

    async def list_tasks(self, **query: str) -> list[dict[str, Any]]:
        answer = await self.client.get(TASKS, params=YEAR | query)
        assert answer.status_code == 200, answer.text
        return list(answer.json())

    async def create_task(self, **fields: object) -> dict[str, Any]:
        answer = await self.client.post(TASKS, json=DRAFT | fields)
        assert answer.is_success, answer.text
        return dict(answer.json())

    async def update_task(self, **fields: object) -> dict[str, Any]:
        answer = await self.client.put(f"{TASKS}/{TASK}", json=fields)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def refuse_update(self, **fields: object) -> int:
        """Send an update that must change nothing, and return its status."""
        before = self.sandbox.tasks
        answer = await self.client.put(f"{TASKS}/{TASK}", json=fields)
        assert self.sandbox.tasks == before
        return answer.status_code


@asynccontextmanager
async def open_served_sandbox(
    *spec_variant: str, **options: Any
) -> AsyncIterator[ServedSandbox]:  # the sandbox's own options
    given: dict[str, Any] = {"seed": SEED, "spec_variant": SpecVariant.parse(spec_variant)} | options
    sandbox = VambeSandbox(**given)
    headers = {"x-api-key": sandbox.key}
    async with (
        serve_sandbox(sandbox) as url,
        httpx2.AsyncClient(base_url=url, headers=headers, verify=TRUST) as client,
    ):
        yield ServedSandbox(sandbox, client)
