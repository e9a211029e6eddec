"""The sources of changes that the suite runs on, and somebody else who changes tasks there."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from backends.local.open_store import empty_database, open_database, open_store
from fixed_clock import FixedClock
from taskhand.backends.local.backend import LocalBackend
from taskhand.domain.change_source import ChangeSource
from taskhand.domain.edit import Edit
from taskhand.domain.query import TaskQuery
from taskhand.domain.task import StatusChoice, Task

if TYPE_CHECKING:
    from postgres_server import TestDatabase

__all__ = ["ARMS", "Arm", "Others", "World"]


class Others(ABC):
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


@dataclass
class World:
    """A source, somebody else who changes what it tells, and the tasks as they really are, by id."""

    source: ChangeSource
    others: Others
    real: Callable[[], Awaitable[Mapping[str, Task]]]
    move: Callable[[float], None]
    """Lets seconds pass."""
    now: Callable[[], datetime]
    statuses: tuple[str, str] = ("Pendiente", "Completado")
    """The names of the open and of the finished status."""


Opener = Callable[[Path, "TestDatabase | None"], AbstractAsyncContextManager[World]]


@dataclass(frozen=True)
class Arm:
    """A source that the suite runs on; `gaps` are the tests that cannot pass there, and why."""

    name: str
    open: Opener
    needs_database: bool = False
    gaps: dict[str, str] = field(default_factory=dict)


class _LocalOthers(Others):
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
) -> AsyncIterator[World]:
    clock = FixedClock()
    async with opens(clock) as backend, opens(clock) as other:
        me = (await backend.members())[0].id
        ana = await backend.edit(lambda directory: directory.add_member("Ana Soto", "ana@example.com"))

        async def real() -> Mapping[str, Task]:
            return {task.id: task for task in (await backend.list_tasks(TaskQuery(limit=1_000))).tasks}

        assert backend.change_source is not None
        others = _LocalOthers(other, (me, ana), me)
        yield World(backend.change_source, others, real, lambda seconds: clock.move(seconds=seconds), clock)


def _open_file(folder: Path, _: object) -> AbstractAsyncContextManager[World]:
    return _on_store(lambda clock: open_store(folder / "tasks.sqlite", clock))


def _open_postgres(_: Path, database: "TestDatabase | None") -> AbstractAsyncContextManager[World]:
    assert database is not None
    empty_database(database)
    return _on_store(lambda clock: open_database(database.url, clock))


ARMS = (Arm("local", _open_file), Arm("postgres", _open_postgres, needs_database=True))
