"""Taskhand on a sandboxed HubSpot: over real sockets, in a time that only sleeping moves."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from pydantic import SecretStr

from backends.hubspot.backend_case import hubspot_settings
from backends.sandboxed_app import open_sandboxed_app
from behaviour.world import NOW, SANTIAGO
from taskhand.backends.base import ItemResult
from taskhand.backends.hubspot.adapter import HubSpotAdapter
from taskhand.http.upstream import Limits
from taskhand.sandbox.hubspot import HubSpotSandbox, SpecVariant
from taskhand.sandbox.server import serve_sandbox
from taskhand.service.app_context import AppContext
from virtual_time import Time

__all__ = [
    "ANA",
    "BRUNO",
    "CAROLINA",
    "COMPANY",
    "ELENA",
    "KEY",
    "NOW",
    "OWNERS",
    "SANTIAGO",
    "Account",
    "Time",
    "error_codes",
    "hubspot",
    "row",
    "sandboxed_app",
    "seed",
    "served",
    "task_id",
]

KEY = "pat-na1-fault-table-4711"
ELENA, ANA, LUIS = "64492917", "64492918", "64492919"
CAROLINA, BRUNO, COMPANY = "101", "102", "201"


def _owner(number: int, name: str, email: str) -> dict[str, Any]:
    first, _, last = name.partition(" ")
    fields = {"firstName": first, "lastName": last, "email": email, "userId": 98_499_705 + number}
    return {"id": str(int(ELENA) + number)} | fields


OWNERS = [
    _owner(0, "Elena", "elena@example.com"),
    _owner(1, "Ana Soto", "ana@example.com"),
    _owner(2, "Luis Pereira", "luis@example.com"),
    _owner(3, "Maria Rodriguez", "maria.one@example.com"),
    _owner(4, "María Rodríguez", "maria.two@example.com"),
    _owner(5, "Gil Paz", "gil@example.com") | {"archived": True},
]
STATUSES = [
    {"value": "NOT_STARTED", "label": "Pendiente"},
    {"value": "IN_PROGRESS", "label": "En Progreso"},
    {"value": "COMPLETED", "label": "Completado"},
]
_CAROLINA = {"firstname": "Carolina", "lastname": "Vega", "email": "carolina@acme.example"}
CONTACTS = [
    {"id": CAROLINA, "properties": _CAROLINA | {"phone": "+56 9 5555 0101", "associatedcompanyid": COMPANY}},
    {"id": BRUNO, "properties": {"firstname": "Bruno", "lastname": "Díaz", "email": "bruno@globex.example"}},
]
COMPANIES = [
    {"id": COMPANY, "properties": {"name": "Acme SpA", "domain": "acme.example"}},
    {"id": "202", "properties": {"name": "Initech", "domain": "initech.example", "phone": "+1 555 0100"}},
]


def task_id(number: int) -> str:
    """The id of a seeded task, from 1."""
    return str(77_597_400_000 + number)


def row(number: int, links: dict[str, list[str]] | None = None, **properties: str) -> dict[str, Any]:
    """A seeded task of Elena's."""
    given = {
        "hs_task_subject": f"Call Acme {number}",
        "hs_timestamp": "2026-03-06T13:00:00Z",
        "hs_task_status": "NOT_STARTED",
        "hs_task_priority": "MEDIUM",
        "hubspot_owner_id": ELENA,
    }
    return {"id": task_id(number), "properties": given | properties, **(links or {})}


def seed(tasks: int = 2, rows: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """The small world, with some tasks in it."""
    given = rows if rows is not None else [row(number) for number in range(1, tasks + 1)]
    people = {"owners": OWNERS, "statuses": STATUSES, "contacts": CONTACTS, "companies": COMPANIES}
    return people | {"tasks": given}


def hubspot(time: Time | None = None, world: dict[str, Any] | None = None, **options: Any) -> HubSpotSandbox:
    """A HubSpot with the small world in it, in the same time."""
    spec_variant = SpecVariant.parse(options.pop("spec_variant", ()))
    clock = time.moment if time else (lambda: NOW)
    return HubSpotSandbox(seed=world or seed(), token=KEY, clock=clock, spec_variant=spec_variant, **options)


@asynccontextmanager
async def sandboxed_app(
    url: str,
    time: Time,
    *,
    limits: Limits | None = None,
    transport: httpx2.AsyncBaseTransport | None = None,
    **settings: Any,
) -> AsyncIterator[AppContext]:
    """Taskhand on it, without a zone and with HubSpot's own limits; further `settings` are those of a user."""
    given = {"hubspot_access_token": SecretStr(KEY), "hubspot_user_id": ELENA, "hubspot_rate": 100, "timezone": None}
    chosen = hubspot_settings(url, **given | settings)
    async with open_sandboxed_app(chosen, time, time.moment, limits=limits, transport=transport) as app:
        yield app


@dataclass(frozen=True)
class Account:
    """A HubSpot, Taskhand in front of it, and the time they are in."""

    hubspot: HubSpotSandbox
    app: AppContext
    time: Time

    @property
    def backend(self) -> HubSpotAdapter:
        assert isinstance(self.app.backend, HubSpotAdapter)
        return self.app.backend

    @property
    def sent(self) -> list[str]:
        """The requests, as methods with paths."""
        return [f"{request.method} {request.path}" for request in self.hubspot.requests]

    def stored_properties(self, number: int) -> dict[str, Any]:
        """The properties of a seeded task as the sandbox stores them."""
        found: dict[str, Any] = next(task for task in self.hubspot.tasks if task["id"] == task_id(number))["properties"]
        return found


@asynccontextmanager
async def served(
    sandbox: HubSpotSandbox | None = None, time: Time | None = None, **options: Any
) -> AsyncIterator[Account]:
    """Serve it, wire it; a zone is configured unless `timezone` says otherwise."""
    time = time or Time()
    sandbox = sandbox or hubspot(time)
    async with serve_sandbox(sandbox) as url, sandboxed_app(url, time, **({"timezone": SANTIAGO} | options)) as app:
        yield Account(sandbox, app, time)


def error_codes(results: Iterable[ItemResult]) -> list[str | None]:
    """The error code of each result, None for a change that was made."""
    return [result.error.code if result.error else None for result in results]
