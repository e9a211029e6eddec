"""The backends that the suite runs on, each with the same small world; what a backend lacks is data, with a reason.

The world: you, Ana Soto, Luis Pereira and two people called Maria Rodriguez; the statuses Pendiente (1), En Progreso
(2) and Completado (3); the contact Carolina Vega of the customer `CUSTOMER`.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import anyio
from pydantic import SecretStr

from backends.example.adapter import ExampleAdapter
from backends.example.client import ExampleClient
from behaviour.gaps import CLOSE_GAPS, HUBSPOT_GAPS
from taskhand.backends.local.people_and_statuses import Directory
from taskhand.backends.remote.adapter import Timing
from taskhand.config.settings import Settings
from taskhand.http.upstream import Runtime
from taskhand.sandbox.close import CloseSandbox
from taskhand.sandbox.hubspot import HubSpotSandbox
from taskhand.sandbox.hubspot import SpecVariant as HubSpotVariant
from taskhand.sandbox.server import serve
from taskhand.sandbox.vambe import VambeSandbox
from taskhand.service.app_context import AppContext
from taskhand.service.lazy import Lazy
from taskhand.wiring import open_app, open_journal, open_local_store

__all__ = [
    "ARMS",
    "CUSTOMER",
    "NOW",
    "PEOPLE",
    "POSTGRES",
    "QUICK",
    "STATUSES",
    "Arm",
    "open_postgres",
    "vambe_sandbox",
    "vambe_settings",
]

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
"""When every test happens: a Monday, noon in Santiago."""

CUSTOMER = "7b0c2a52-1111-4222-8333-9a8b7c6d5e4f"


@dataclass(frozen=True)
class Arm:
    """A backend that the suite runs on.

    `needs` are the arguments that it requires for a new task besides the documented ones. `customer` is the id of
    Carolina Vega's customer, `customer_name` its name where the backend tells one, `absent` an id that no task has.
    `gaps` are the tests that cannot pass there, and why.
    """

    name: str
    open: Callable[[Path], AbstractAsyncContextManager[AppContext]]
    needs: dict[str, str] = field(default_factory=dict)
    customer: str = CUSTOMER
    absent: str = "99999999-9999-4999-8999-999999999999"
    gaps: dict[str, str] = field(default_factory=dict)
    customer_name: str | None = None


def _furnish(directory: Directory) -> None:
    directory.add_member("Ana Soto", "ana@example.com")
    directory.add_member("Luis Pereira", "luis@example.com")
    directory.add_member("Maria Rodriguez", "maria.one@example.com")
    directory.add_member("María Rodríguez", "maria.two@example.com")
    directory.add_contact("Carolina Vega", "+56 9 5555 0101", "carolina@acme.example", CUSTOMER)


@asynccontextmanager
async def _local(folder: Path) -> AsyncIterator[AppContext]:
    settings = Settings(db=folder / "tasks.sqlite", clock=NOW, user="Elena")
    backend = open_local_store(settings)
    await backend.edit(_furnish)
    await backend.aclose()
    async with open_app(settings) as at:
        yield at


@asynccontextmanager
async def open_postgres(url: str, _: Path) -> AsyncIterator[AppContext]:
    """The built-in store and its journal in an empty database."""
    settings = Settings.from_env({"TASKHAND_DB": url, "TASKHAND_STATE": url, "TASKHAND_USER": "Elena"})
    settings = settings.model_copy(update={"clock": NOW})
    backend = open_local_store(settings)
    await backend.edit(_furnish)
    await backend.aclose()
    async with open_app(settings) as at:
        yield at


def person(number: int, name: str, email: str) -> dict[str, Any]:
    """A member of the sandbox's organisation."""
    first, _, last = name.partition(" ")
    member_id = f"5d1f0000-0000-4000-8000-{number:012}"
    return {"id": member_id, "name": name, "first_name": first, "last_name": last, "email": email}


PEOPLE = [
    person(1, "Elena", "elena@example.com"),
    person(2, "Ana Soto", "ana@example.com"),
    person(3, "Luis Pereira", "luis@example.com"),
    person(4, "Maria Rodriguez", "maria.one@example.com"),
    person(5, "María Rodríguez", "maria.two@example.com"),
]

STATUSES = [
    {"id": f"57a70000-0000-4000-8000-{order:012}", "name": name, "color": "#60a5fa", "type": kind, "order": order}
    for order, (name, kind) in enumerate(
        [("Pendiente", "initial"), ("En Progreso", "in_progress"), ("Completado", "done")], start=1
    )
]

CAROLINA = {
    "id": "c0a00000-0000-4000-8000-000000000001",
    "name": "Carolina Vega",
    "phone": "+56955550101",
    "email": "carolina@acme.example",
    "ai_customer_id": CUSTOMER,
    "created_at": "2025-11-01T12:00:00+00:00",
    "last_message_at": "2026-02-20T12:00:00+00:00",
}

Rows = Sequence[Mapping[str, Any]]

WORLD = {"members": PEOPLE, "statuses": STATUSES, "contacts": [CAROLINA], "tasks": [], "key_owner": PEOPLE[0]["id"]}


def vambe_sandbox(
    people: Rows = PEOPLE, statuses: Rows = STATUSES, carolina: str = "Carolina Vega", **options: Any
) -> VambeSandbox:
    """A Vambe with the small world in it, or one of other people and statuses."""
    seed = WORLD | {"members": people, "statuses": statuses, "contacts": [CAROLINA | {"name": carolina}]}
    return VambeSandbox(seed=seed, clock=lambda: NOW, **options)


def vambe_settings(url: str, **changed: Any) -> Settings:
    """The settings that a user would make for it."""
    given: dict[str, Any] = {
        "vambe_api_key": "vambe-sandbox-key",
        "vambe_base_url": url,
        "vambe_user_id": PEOPLE[0]["id"],
        "vambe_statuses": "Pendiente,En Progreso,Completado",
        "vambe_rate": 1000,
        "clock": NOW,
    }
    return Settings(**given | changed)


@asynccontextmanager
async def _vambe(folder: Path) -> AsyncIterator[AppContext]:
    async with serve(vambe_sandbox()) as url, open_app(vambe_settings(url, **_journal(folder))) as at:
        yield at


def _journal(folder: Path) -> dict[str, Path]:
    return {"journal": folder / "journal.sqlite"}


LEAD, COMPANY = f"lead_{1:043}", "201"
SANTIAGO = "America/Santiago"
"""The configured zone of the backends that do not keep the zone of a due time."""


def close_sandbox(people: Rows = PEOPLE, carolina: str = "Carolina Vega") -> CloseSandbox:
    """A Close with the small world in it, or one of other people."""
    users = [
        {"id": f"user_{n:043}", **{key: who[key] for key in ("first_name", "last_name", "email")}}
        for n, who in enumerate(people, start=1)
    ]
    contact = {"name": carolina, "emails": [CAROLINA["email"]], "phones": ["+56 9 5555 0101"]}
    lead = {"id": LEAD, "name": "Acme", "contacts": [contact | {"id": f"cont_{1:043}"}]}
    world = {"users": users, "leads": [lead], "tasks": [], "key_owner": users[0]["id"]}
    return CloseSandbox(seed=world, clock=lambda: NOW)


def hubspot_sandbox(people: Rows = PEOPLE, statuses: Rows = STATUSES, carolina: str = "Carolina") -> HubSpotSandbox:
    """A HubSpot with the small world in it, or one of other people and statuses.

    Its clock stands still, so limits that end with time are switched off.
    """
    owners = [
        {"id": str(64492916 + n), "userId": 98499704 + n, "email": who["email"]}
        | {"firstName": who["first_name"], "lastName": who["last_name"]}
        for n, who in enumerate(people, start=1)
    ]
    values = zip(("NOT_STARTED", "IN_PROGRESS", "COMPLETED"), statuses, strict=True)
    contact = {"firstname": carolina, "lastname": "Vega", "email": CAROLINA["email"], "phone": "+56 9 5555 0101"}
    world = {
        "owners": owners,
        "statuses": [{"value": value, "label": status["name"]} for value, status in values],
        "contacts": [{"id": "101", "properties": contact | {"associatedcompanyid": COMPANY}}],
        "companies": [{"id": COMPANY, "properties": {"name": "Acme SpA"}}],
        "tasks": [],
    }
    spec_variant = HubSpotVariant.parse(["searches=0", "burst=0", "search_lag=0"])
    return HubSpotSandbox(seed=world, clock=lambda: NOW, spec_variant=spec_variant)


@asynccontextmanager
async def _close(folder: Path) -> AsyncIterator[AppContext]:
    async with serve(close_sandbox()) as url, open_app(close_settings(url, **_journal(folder))) as at:
        yield at


def close_settings(url: str, **changed: Any) -> Settings:
    """The settings that a user would make for it."""
    given: dict[str, Any] = {
        "close_api_key": SecretStr("api_close-sandbox-key"),
        "close_base_url": f"{url}/api/v1",
        "close_rate": 1000,
        "timezone": SANTIAGO,
        "clock": NOW,
    }
    return Settings(**given | changed)


QUICK = Runtime(clock=lambda: monotonic() * 20, sleep=lambda seconds: anyio.sleep(seconds / 20))
"""Time that passes twenty times as fast: many tests reach HubSpot's limit of searches a second."""


@asynccontextmanager
async def _hubspot(folder: Path) -> AsyncIterator[AppContext]:
    async with (
        serve(hubspot_sandbox()) as url,
        open_app(hubspot_settings(url, **_journal(folder)), runtime=QUICK) as at,
    ):
        yield at


def hubspot_settings(url: str, **changed: Any) -> Settings:
    """The settings that a user would make for it."""
    given: dict[str, Any] = {
        "hubspot_access_token": SecretStr("pat-na1-sandbox"),
        "hubspot_base_url": url,
        "hubspot_user_id": "elena@example.com",
        "hubspot_rate": 1000,
        "timezone": SANTIAGO,
        "clock": NOW,
    }
    return Settings(**given | changed)


@asynccontextmanager
async def _example(folder: Path) -> AsyncIterator[AppContext]:
    settings = Settings(db=folder / "tasks.sqlite", journal=folder / "journal.sqlite", clock=NOW)
    client = ExampleClient(lambda: NOW, PEOPLE, [CAROLINA])
    adapter = ExampleAdapter(client, None, Timing(lambda: NOW, monotonic, anyio.sleep))
    async with AsyncExitStack() as stack:
        journal = open_journal(settings)
        stack.push_async_callback(journal.aclose)
        yield AppContext(adapter, Lazy(lambda: journal), lambda: NOW)


ARMS = (
    Arm("local", _local),
    Arm("example", _example),
    Arm("vambe", _vambe),
    Arm("close", _close, {"aiCustomerId": LEAD}, LEAD, f"task_{9:043}", CLOSE_GAPS, "Acme"),
    Arm("hubspot", _hubspot, {"dueDate": "2026-12-31"}, COMPANY, "99999999999", HUBSPOT_GAPS, "Acme SpA"),
)

POSTGRES = Arm("postgres", _local)
"""The built-in store in a database, which the test gives it."""
