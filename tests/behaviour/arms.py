"""The backends that the suite runs on, each with the same small world; what a backend lacks is data, with a reason.

The world: you, Ana Soto, Luis Pereira and two people called Maria Rodriguez; the statuses Pendiente (1), En Progreso
(2) and Completado (3); the contact Carolina Vega of the customer `CUSTOMER`.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

import anyio
from pydantic import SecretStr

from backends.example.adapter import ExampleAdapter
from backends.example.client import ExampleClient
from behaviour.gaps import CLOSE_GAPS, HUBSPOT_GAPS
from taskhand.backends.local.people_and_statuses import Directory
from taskhand.backends.remote.adapter import Timing
from taskhand.config.settings import Settings
from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
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
    "SMALL_WORLD",
    "STATUSES",
    "Arm",
    "World",
    "open_postgres",
    "vambe_sandbox",
    "vambe_settings",
]

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
"""When every test happens: a Monday, noon in Santiago."""

CUSTOMER = "7b0c2a52-1111-4222-8333-9a8b7c6d5e4f"


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


@dataclass(frozen=True)
class World:
    """The small world, or one with other people, statuses and contact.

    The first of the `people` asks; who is not `active` has left the team. `theirs` is a task of the last one, due on a
    day: its title, None for none. `settings` are further settings of the backend, or other values of them.
    """

    people: Rows = tuple(PEOPLE)
    statuses: Rows = tuple(STATUSES)
    carolina: str = "Carolina Vega"
    theirs: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


SMALL_WORLD = World()
DUE = "2026-03-10"
"""The day on which the task `theirs` is due."""


class Open(Protocol):
    """Opens a backend on a world; what it keeps is in the folder."""

    def __call__(self, folder: Path, world: World = SMALL_WORLD, /) -> AbstractAsyncContextManager[AppContext]: ...


@dataclass(frozen=True)
class Arm:
    """A backend that the suite runs on.

    `needs` are the arguments that it requires for a new task besides the documented ones. `customer` is the id of
    Carolina Vega's customer, `customer_name` its name where the backend tells one, `absent` an id that no task has.
    `gaps` are the tests that cannot pass there, and why. `names_former` is whether it tells the names of people who
    have left.
    """

    name: str
    open: Open
    needs: dict[str, str] = field(default_factory=dict)
    customer: str = CUSTOMER
    absent: str = "99999999-9999-4999-8999-999999999999"
    gaps: dict[str, str] = field(default_factory=dict)
    customer_name: str | None = None
    names_former: bool = True


def _furnish(directory: Directory, world: World) -> None:
    for known, status in zip(SMALL_WORLD.statuses, world.statuses, strict=True):
        if status["name"] != known["name"]:
            directory.rename_status(known["name"], status["name"])
    for one in world.people[1:]:
        directory.add_member(one["name"], one["email"])
    directory.add_contact(world.carolina, "+56 9 5555 0101", "carolina@acme.example", CUSTOMER)


async def _fill(settings: Settings, world: World) -> None:
    """Make the world in an empty store."""
    backend = open_local_store(settings)
    await backend.edit(lambda directory: _furnish(directory, world))
    members = {one.email: one.id for one in await backend.account.members()}
    if world.theirs is not None:
        owner = members[world.people[-1]["email"]]
        await backend.create_task(
            Edit(title=world.theirs, responsible_ids=(owner,), priority=1, due=Due(date.fromisoformat(DUE)))
        )
    for one in world.people:
        if not one.get("active", True):
            await backend.edit(lambda directory, name=one["name"]: directory.remove_member(name))  # type: ignore[misc]
    await backend.aclose()


@asynccontextmanager
async def _local(folder: Path, world: World = SMALL_WORLD) -> AsyncIterator[AppContext]:
    given: dict[str, Any] = {"db": folder / "tasks.sqlite", "clock": NOW, "user": "Elena"}
    settings = Settings(**given | dict(world.settings))
    await _fill(settings, world)
    async with open_app(settings) as at:
        yield at


@asynccontextmanager
async def open_postgres(url: str, _: Path, world: World = SMALL_WORLD) -> AsyncIterator[AppContext]:
    """The built-in store and its journal in an empty database."""
    settings = Settings.from_env({"TASKHAND_DB": url, "TASKHAND_STATE": url, "TASKHAND_USER": "Elena"})
    settings = settings.model_copy(update={"clock": NOW})
    await _fill(settings, world)
    async with open_app(settings) as at:
        yield at


def vambe_sandbox(world: World = SMALL_WORLD, **options: Any) -> VambeSandbox:
    """A Vambe with the world in it."""
    theirs = {"title": world.theirs, "responsibleIds": [world.people[-1]["id"]], "dueDate": DUE}
    seed = WORLD | {
        "members": world.people,
        "statuses": world.statuses,
        "contacts": [CAROLINA | {"name": world.carolina}],
        "tasks": [theirs] if world.theirs else [],
    }
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
async def _vambe(folder: Path, world: World = SMALL_WORLD) -> AsyncIterator[AppContext]:
    statuses = ",".join(status["name"] for status in world.statuses)
    changed = _journal(folder) | {"vambe_statuses": statuses} | dict(world.settings)
    async with serve(vambe_sandbox(world)) as url, open_app(vambe_settings(url, **changed)) as at:
        yield at


def _journal(folder: Path) -> dict[str, Any]:
    return {"journal": folder / "journal.sqlite"}


LEAD, COMPANY = f"lead_{1:043}", "201"
SANTIAGO = "America/Santiago"
"""The configured zone of the backends that do not keep the zone of a due time."""


def close_sandbox(world: World = SMALL_WORLD) -> CloseSandbox:
    """A Close with the world in it, and the statuses that it always has."""
    users = [
        {
            "id": f"user_{n:043}",
            **{key: who[key] for key in ("first_name", "last_name", "email", "active") if key in who},
        }
        for n, who in enumerate(world.people, start=1)
    ]
    theirs = {"_type": "lead", "text": world.theirs, "assigned_to": users[-1]["id"], "lead_id": LEAD, "date": DUE}
    contact = {"name": world.carolina, "emails": [CAROLINA["email"]], "phones": ["+56 9 5555 0101"]}
    lead = {"id": LEAD, "name": "Acme", "contacts": [contact | {"id": f"cont_{1:043}"}]}
    tasks = [theirs] if world.theirs else []
    return CloseSandbox(
        seed={"users": users, "leads": [lead], "tasks": tasks, "key_owner": users[0]["id"]}, clock=lambda: NOW
    )


def hubspot_sandbox(world: World = SMALL_WORLD) -> HubSpotSandbox:
    """A HubSpot with the world in it.

    Its clock stands still, so limits that end with time are switched off.
    """
    owners = [
        {"id": str(64492916 + n), "userId": 98499704 + n, "email": who["email"]}
        | {"firstName": who["first_name"], "lastName": who["last_name"], "archived": not who.get("active", True)}
        for n, who in enumerate(world.people, start=1)
    ]
    values = zip(("NOT_STARTED", "IN_PROGRESS", "COMPLETED"), world.statuses, strict=True)
    first, _, last = world.carolina.partition(" ")
    contact = {"firstname": first, "lastname": last, "email": CAROLINA["email"], "phone": "+56 9 5555 0101"}
    theirs = {
        "hs_task_subject": world.theirs,
        "hs_timestamp": f"{DUE}T12:00:00+00:00",
        "hubspot_owner_id": owners[-1]["id"],
    }
    seed = {
        "owners": owners,
        "statuses": [{"value": value, "label": status["name"]} for value, status in values],
        "contacts": [{"id": "101", "properties": contact | {"associatedcompanyid": COMPANY}}],
        "companies": [{"id": COMPANY, "properties": {"name": "Acme SpA"}}],
        "tasks": [{"properties": theirs}] if world.theirs else [],
    }
    spec_variant = HubSpotVariant.parse(["searches=0", "burst=0", "search_lag=0"])
    return HubSpotSandbox(seed=seed, clock=lambda: NOW, spec_variant=spec_variant)


@asynccontextmanager
async def _close(folder: Path, world: World = SMALL_WORLD) -> AsyncIterator[AppContext]:
    changed = _journal(folder) | dict(world.settings)
    async with serve(close_sandbox(world)) as url, open_app(close_settings(url, **changed)) as at:
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
async def _hubspot(folder: Path, world: World = SMALL_WORLD) -> AsyncIterator[AppContext]:
    changed = _journal(folder) | dict(world.settings)
    async with (
        serve(hubspot_sandbox(world)) as url,
        open_app(hubspot_settings(url, **changed), runtime=QUICK) as at,
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
async def _example(folder: Path, world: World = SMALL_WORLD) -> AsyncIterator[AppContext]:
    settings = Settings(db=folder / "tasks.sqlite", journal=folder / "journal.sqlite", clock=NOW)
    active = [dict(one) for one in world.people if one.get("active", True)]
    client = ExampleClient(lambda: NOW, active, [CAROLINA | {"name": world.carolina}])
    if world.theirs is not None:
        due = {"at": f"{DUE}T00:00:00.000Z", "zone": None, "all_day": True}
        body = {"title": world.theirs, "people": [world.people[-1]["id"]], "due": due, "priority": 1}
        await client.create(body)
    adapter = ExampleAdapter(client, None, Timing(lambda: NOW, monotonic, anyio.sleep))
    async with AsyncExitStack() as stack:
        journal = open_journal(settings)
        stack.push_async_callback(journal.aclose)
        yield AppContext(adapter, Lazy(lambda: journal), lambda: NOW)


ARMS = (
    Arm("local", _local),
    Arm("example", _example, names_former=False),
    Arm("vambe", _vambe, names_former=False),
    Arm("close", _close, {"aiCustomerId": LEAD}, LEAD, f"task_{9:043}", CLOSE_GAPS, "Acme"),
    Arm("hubspot", _hubspot, {"dueDate": "2026-12-31"}, COMPANY, "99999999999", HUBSPOT_GAPS, "Acme SpA"),
)

POSTGRES = Arm("postgres", _local)
"""The built-in store in a database, which the test gives it."""
