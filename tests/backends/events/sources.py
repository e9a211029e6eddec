"""The sources of changes that the suite runs on, and somebody else who changes tasks there."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import httpx2

from backends.close.sandboxed_app import ANA, ELENA, LEAD, LUIS, close, sandboxed_app
from backends.hubspot import sandboxed_app as hubspot_app
from backends.local.open_store import empty_database, open_database, open_store
from backends.vambe import sandboxed_app as vambe_app
from fixed_clock import FixedClock
from taskhand.backends.close.mapping import task_of
from taskhand.backends.local.backend import LocalBackend
from taskhand.domain.edit import Edit
from taskhand.domain.event_source import EventSource
from taskhand.domain.task import StatusChoice, Task
from taskhand.domain.task_query import TaskQuery
from taskhand.sandbox.close import CloseSandbox, SpecVariant
from taskhand.sandbox.hubspot import HubSpotSandbox
from taskhand.sandbox.server import serve_sandbox
from virtual_time import Time

if TYPE_CHECKING:
    from postgres_server import TestDatabase

__all__ = [
    "SOURCES",
    "ObservedAccount",
    "OtherUser",
    "SourceCase",
    "VambeUser",
    "open_close",
    "open_hubspot",
    "open_vambe",
]


class OtherUser(ABC):
    """Somebody else, who changes tasks without Taskhand. `people` are two members who can be responsible."""

    people: tuple[str, str]
    who: str | None = None
    """The member whom the CRM names as the one who did it."""

    @abstractmethod
    async def create(self, title: str) -> str:
        """A new open task of the first of the people, due on a day soon; its id."""

    @abstractmethod
    async def rename(self, task_id: str, title: str) -> None:
        """Give it another title."""

    @abstractmethod
    async def set_finished(self, task_id: str, *, finished: bool) -> None:
        """Complete it, or open it again."""

    @abstractmethod
    async def reassign(self, task_id: str, person: str) -> None:
        """Make somebody else responsible."""

    @abstractmethod
    async def delete(self, task_id: str) -> None:
        """Delete it."""


_OtherUser = TypeVar("_OtherUser", bound=OtherUser)


@dataclass
class ObservedAccount(Generic[_OtherUser]):
    """A source, somebody else who changes what it tells, and the tasks as they really are, by id."""

    source: EventSource
    other_user: _OtherUser
    real: Callable[[], Awaitable[Mapping[str, Task]]]
    move: Callable[[float], None]
    """Lets seconds pass."""
    now: Callable[[], datetime]
    statuses: tuple[str, str] = ("Pendiente", "Completado")
    """The names of the open and of the finished status."""
    sandbox: Any = None
    """The emulated CRM, where it is one."""


Opener = Callable[[Path, "TestDatabase | None"], AbstractAsyncContextManager[ObservedAccount[Any]]]


@dataclass(frozen=True)
class SourceCase:
    """A source that the suite runs on; `gaps` are the tests that cannot pass there, and why."""

    name: str
    open: Opener
    needs_database: bool = False
    gaps: dict[str, str] = field(default_factory=dict)


class _OtherStoreUser(OtherUser):
    """Another process with the same store."""

    def __init__(self, backend: LocalBackend, people: tuple[str, str], who: str | None) -> None:
        self._backend = backend
        self.people = people
        self.who = who

    async def create(self, title: str) -> str:
        edit = Edit(title=title, responsible_ids=(self.people[0],), priority=1)
        return (await self._backend.create_task(edit)).task.id

    async def rename(self, task_id: str, title: str) -> None:
        await self._update(task_id, Edit(title=title))

    async def set_finished(self, task_id: str, *, finished: bool) -> None:
        statuses = (await self._backend.statuses()).statuses
        await self._update(task_id, Edit(status=StatusChoice.of(statuses[-1 if finished else 0])))

    async def reassign(self, task_id: str, person: str) -> None:
        await self._update(task_id, Edit(responsible_ids=(person,)))

    async def delete(self, task_id: str) -> None:
        await self._backend.delete_task(await self._backend.get_task(task_id))

    async def _update(self, task_id: str, edit: Edit) -> None:
        await self._backend.update_task(await self._backend.get_task(task_id), edit)


@asynccontextmanager
async def _on_store(
    opens: Callable[[FixedClock], AbstractAsyncContextManager[LocalBackend]],
) -> AsyncIterator[ObservedAccount[Any]]:
    clock = FixedClock()
    async with opens(clock) as backend, opens(clock) as other:
        me = (await backend.account.members())[0].id
        ana = await backend.edit(lambda directory: directory.add_member("Ana Soto", "ana@example.com"))

        async def real() -> Mapping[str, Task]:
            return {task.id: task for task in (await backend.list_tasks(TaskQuery(limit=1_000))).tasks}

        assert backend.event_source is not None
        other_user = _OtherStoreUser(other, (me, ana), me)
        yield ObservedAccount(
            backend.event_source, other_user, real, lambda seconds: clock.move(seconds=seconds), clock
        )


def _open_file(folder: Path, _: object) -> AbstractAsyncContextManager[ObservedAccount[Any]]:
    return _on_store(lambda clock: open_store(folder / "tasks.sqlite", clock))


def _open_postgres(_: Path, database: "TestDatabase | None") -> AbstractAsyncContextManager[ObservedAccount[Any]]:
    assert database is not None
    empty_database(database)
    return _on_store(lambda clock: open_database(database.url, clock))


class CloseUser(OtherUser):
    """Ana, in Close's own app."""

    people = (ELENA, LUIS)
    who = ANA

    def __init__(self, client: httpx2.AsyncClient, sandbox: CloseSandbox) -> None:
        self._client = client
        self._sandbox = sandbox

    async def create(self, title: str) -> str:
        body = {"_type": "lead", "lead_id": LEAD, "text": title, "assigned_to": self.people[0], "date": "2026-03-09"}
        return str((await self.send("POST", "task/", json=body))["id"])

    async def rename(self, task_id: str, title: str) -> None:
        await self.send("PUT", f"task/{task_id}/", json={"text": title})

    async def set_finished(self, task_id: str, *, finished: bool) -> None:
        await self.send("PUT", f"task/{task_id}/", json={"is_complete": finished})

    async def reassign(self, task_id: str, person: str) -> None:
        await self.send("PUT", f"task/{task_id}/", json={"assigned_to": person})

    async def delete(self, task_id: str) -> None:
        await self.send("DELETE", f"task/{task_id}/")

    async def send(self, method: str, path: str, **options: Any) -> Any:
        token = self._sandbox.authorization.sign_in(ANA, self._sandbox.now())["access_token"]
        headers = {"authorization": f"Bearer {token}"}
        reply = await self._client.request(method, path, headers=headers, **options)
        assert reply.status_code == 200, reply.text
        return reply.json()


@asynccontextmanager
async def open_close(**options: Any) -> AsyncIterator[ObservedAccount[CloseUser]]:
    """A world on Close's sandbox, of which `options` are arguments."""
    time = Time()
    sandbox = close(0, clock=time.moment, **options)
    async with (
        serve_sandbox(sandbox) as url,
        sandboxed_app(url, time, clock=time.moment) as app,
        httpx2.AsyncClient(
            base_url="http://close.example/api/v1/", transport=httpx2.ASGITransport(sandbox.app)
        ) as client,
    ):

        async def real() -> Mapping[str, Task]:
            return {row["id"]: task_of(row, None) for row in sandbox.tasks}

        def move(seconds: float) -> None:
            time.now += seconds

        assert app.backend.event_source is not None
        source, other_user = app.backend.event_source, CloseUser(client, sandbox)
        yield ObservedAccount(source, other_user, real, move, time.moment, ("Open", "Completed"), sandbox)


class VambeUser(OtherUser):
    """Somebody with another key of the organisation; Vambe does not say who."""

    people = (vambe_app.ELENA, vambe_app.LUIS)

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    async def create(self, title: str) -> str:
        body = {"title": title, "responsibleIds": [self.people[0]], "dueDate": "2026-03-09", "priority": "1"}
        return str((await self.send("POST", "", json=body))["id"])

    async def rename(self, task_id: str, title: str) -> None:
        await self.send("PUT", f"/{task_id}", json={"title": title})

    async def set_finished(self, task_id: str, *, finished: bool) -> None:
        await self.send("PUT", f"/{task_id}", json={"newStatusName": "Completado" if finished else "Pendiente"})

    async def reassign(self, task_id: str, person: str) -> None:
        await self.send("PUT", f"/{task_id}", json={"responsibleIds": [person]})

    async def delete(self, task_id: str) -> None:
        await self.send("DELETE", f"/{task_id}")

    async def send(self, method: str, path: str, **options: Any) -> Any:
        """The answer to a request about tasks."""
        url = f"http://vambe.example/api/public/tasks{path}"
        reply = await self._client.request(method, url, headers={"x-api-key": vambe_app.KEY}, **options)
        assert reply.status_code in {200, 201}, reply.text
        return reply.json()


@asynccontextmanager
async def open_vambe(**options: Any) -> AsyncIterator[ObservedAccount[VambeUser]]:
    """A world on Vambe's sandbox, of which `options` are arguments."""
    time = Time()
    sandbox = vambe_app.vambe(0, clock=time.moment, **options)
    async with (
        serve_sandbox(sandbox) as url,
        vambe_app.backend_at(url, time, clock=time.moment) as backend,
        httpx2.AsyncClient(transport=httpx2.ASGITransport(sandbox.app)) as client,
    ):

        async def real() -> Mapping[str, Task]:
            return {row["id"]: backend.to_task(row) for row in sandbox.tasks}

        def move(seconds: float) -> None:
            time.now += seconds

        assert backend.event_source is not None
        yield ObservedAccount(backend.event_source, VambeUser(client), real, move, time.moment, sandbox=sandbox)


class HubSpotUser(OtherUser):
    """Ana, through an app that she has signed in to."""

    people = (hubspot_app.ELENA, hubspot_app.LUIS)
    who = hubspot_app.ANA

    def __init__(self, client: httpx2.AsyncClient, sandbox: HubSpotSandbox) -> None:
        self._client = client
        self._sandbox = sandbox

    async def create(self, title: str) -> str:
        given = {"hs_task_subject": title, "hs_timestamp": "2026-03-09T12:00:00Z", "hubspot_owner_id": self.people[0]}
        return str((await self.send("POST", "", {"properties": given}))["id"])

    async def rename(self, task_id: str, title: str) -> None:
        await self._set(task_id, hs_task_subject=title)

    async def set_finished(self, task_id: str, *, finished: bool) -> None:
        await self._set(task_id, hs_task_status="COMPLETED" if finished else "NOT_STARTED")

    async def reassign(self, task_id: str, person: str) -> None:
        await self._set(task_id, hubspot_owner_id=person)

    async def delete(self, task_id: str) -> None:
        await self.send("DELETE", f"/{task_id}")

    async def _set(self, task_id: str, **properties: str) -> None:
        await self.send("PATCH", f"/{task_id}", {"properties": properties})

    async def send(self, method: str, path: str, body: object = None) -> Any:
        """The answer to a request about tasks."""
        user = next(str(owner["userId"]) for owner in hubspot_app.OWNERS if owner["id"] == self.who)
        token = self._sandbox.authorization.sign_in(user, self._sandbox.now())["access_token"]
        url, headers = f"http://hubspot.example/crm/v3/objects/tasks{path}", {"authorization": f"Bearer {token}"}
        reply = await self._client.request(method, url, headers=headers, json=body)
        assert reply.status_code in {200, 201, 204}, reply.text
        return reply.json() if reply.content else None


@asynccontextmanager
async def open_hubspot(search_lag: int = 0) -> AsyncIterator[ObservedAccount[HubSpotUser]]:
    """A world on HubSpot's sandbox, whose index is so many seconds behind; every write moves a date once more."""
    time = Time()
    index, free = f"search_lag={search_lag}", ("burst=0", "searches=0", "oauth_access_life=1000000")
    open_variant = (index, *free, "settles=writes")
    sandbox = hubspot_app.hubspot(time, hubspot_app.seed(0), spec_variant=open_variant)
    async with (
        hubspot_app.served(sandbox, time) as crm,
        httpx2.AsyncClient(transport=httpx2.ASGITransport(sandbox.app)) as client,
    ):

        async def real() -> Mapping[str, Task]:
            ids = [task["id"] for task in sandbox.tasks]
            return {task_id: found.task for task_id, found in (await crm.backend.snapshots(ids)).items()}

        def move(seconds: float) -> None:
            time.now += seconds

        assert crm.backend.event_source is not None
        source, other_user = crm.backend.event_source, HubSpotUser(client, sandbox)
        yield ObservedAccount(source, other_user, real, move, time.moment, sandbox=sandbox)


VAMBE_GAPS = dict.fromkeys(
    (
        "test_can_begin_in_the_past_if_the_crm_reports_past_changes",
        "test_a_creation_and_a_deletion_at_the_first_moment_of_a_feed_are_reported",
    ),
    "Vambe shows no past changes",
)

SOURCES = (
    SourceCase("local", _open_file),
    SourceCase("postgres", _open_postgres, needs_database=True),
    SourceCase("vambe", lambda *_: open_vambe(), gaps=VAMBE_GAPS),
    SourceCase("close", lambda *_: open_close()),
    SourceCase("close, consolidating", lambda *_: open_close(spec_variant=SpecVariant(consolidation=120))),
    SourceCase("hubspot", lambda *_: open_hubspot()),
)
