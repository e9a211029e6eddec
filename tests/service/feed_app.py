"""A feed on a stand-in account: a store in which others change tasks, and two kinds of sources of its changes."""

import json
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from behaviour.world import NOW
from fixed_clock import FixedClock
from journals import numbered
from taskhand.backends.local.backend import LocalBackend
from taskhand.backends.local.people_and_statuses import sequential_id
from taskhand.backends.local.sqlite import open_file_store
from taskhand.domain.edit import Edit
from taskhand.domain.event import EventKind, TaskEvent, difference_event
from taskhand.domain.event_source import EventSource, KnownTasks, Look
from taskhand.domain.task import StatusChoice, Task
from taskhand.domain.task_query import TaskQuery
from taskhand.events.sqlite import SqliteEventStore
from taskhand.journal.journal_owner import AccountOwner
from taskhand.journal.sqlite import SqliteJournal
from taskhand.server.in_process_client import call_tool
from taskhand.service.app_context import AppContext
from taskhand.service.lazy import Lazy

__all__ = ["ComparingSource", "FeedApp", "LoggingSource", "Others", "open_feed"]


@dataclass
class LoggingSource(EventSource):
    """Tells what is in a log of the account, a few rows at a time; `position` is the number of rows that were told.

    The log overlaps: every look shows the last rows before the position again.
    """

    compares: bool = False
    remark: str | None = None
    page: int = 3
    overlap: int = 2
    gap: str | None = None
    past_gap: str | None = None
    """Said where the log does not go back so far."""
    log: list[TaskEvent] = field(default_factory=list)
    looks: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    on_look: Callable[[], object] | None = None

    async def begin(self, at: datetime) -> str:
        """After the last row before the moment."""
        self.gap = self.past_gap if self.log and self.log[0].at is not None and at < self.log[0].at else self.gap
        return str(sum(1 for event in self.log if event.moment is not None and event.moment < at))

    async def look(self, position: str, known: KnownTasks, hints: Collection[str] = ()) -> Look:  # noqa: ARG002
        """The next rows."""
        self.looks.append((position, tuple(hints)))
        if self.on_look is not None:
            self.on_look()
        start = int(position)
        end = min(start + self.page, len(self.log))
        rows, gap, self.gap = self.log[max(0, start - self.overlap) : end], self.gap, None
        return Look(tuple(rows), str(end), is_behind=end < len(self.log), gap=gap)


@dataclass
class ComparingSource(EventSource):
    """Compares all tasks of the account with those that are known; the first look only learns of them."""

    backend: LocalBackend
    clock: FixedClock
    compares: bool = True
    remark: str | None = "It compares."
    on_look: Callable[[], object] | None = None

    async def begin(self, at: datetime) -> str:
        """Nothing is known yet."""
        return f"new {at.isoformat()}"

    async def look(self, position: str, known: KnownTasks, hints: Collection[str] = ()) -> Look:  # noqa: ARG002
        """The differences."""
        state, _, last = position.partition(" ")
        tasks = {task.id: task for task in (await self.backend.list_tasks(TaskQuery(limit=200))).tasks}
        before = await known.find_all()
        if self.on_look is not None:
            self.on_look()
        now = self.clock()
        found = [] if state == "new" else [*self._differences(before, tasks, datetime.fromisoformat(last))]
        gone: dict[str, Task | None] = dict.fromkeys(before.keys() - tasks.keys())
        return Look(tuple(found), f"on {now.isoformat()}", {**gone, **tasks})

    def _differences(self, before: Mapping[str, Task], tasks: Mapping[str, Task], last: datetime) -> list[TaskEvent]:
        now = self.clock()
        found = (
            difference_event(
                before.get(task_id), tasks.get(task_id), f"{task_id} {now.isoformat()}", between=(last, now)
            )
            for task_id in sorted({*before, *tasks})
        )
        return [event for event in found if event is not None]


@dataclass
class Others:
    """People who change tasks in the account, beside Taskhand; the log tells of it, and by which `person`."""

    backend: LocalBackend
    clock: FixedClock
    source: LoggingSource
    person: str | None = None

    async def create(self, title: str) -> Task:
        """Create a task."""
        return self.note(
            "created", None, (await self.backend.create_task(Edit(title=title, priority=1, responsible_ids=()))).task
        )

    async def rename(self, task: Task, title: str) -> Task:
        """Give it another title."""
        return await self._edit(task, Edit(title=title), "updated")

    async def complete(self, task: Task) -> Task:
        """Complete it."""
        done = next(status for status in (await self.backend.statuses()).statuses if status.type == "done")
        return await self._edit(task, Edit(status=StatusChoice.of(done)), "completed")

    async def delete(self, task: Task) -> None:
        """Delete it."""
        before = await self.backend.get_task(task.id)
        await self.backend.delete_task(before)
        self.note("deleted", before, None)

    async def _edit(self, task: Task, edit: Edit, kind: EventKind) -> Task:
        before = await self.backend.get_task(task.id)
        return self.note(kind, before, (await self.backend.update_task(before, edit)).task)

    def note(self, kind: EventKind, before: Task | None, after: Task | None) -> Task:
        """Write a change into the log."""
        found = difference_event(before, after, f"log {self.clock().isoformat()} {len(self.source.log)}")
        if found is not None:
            self.source.log.append(replace(found, kind=kind, at=self.clock(), by=self.person))
        return after or before  # type: ignore[return-value]  # one of them is there


@dataclass
class FeedApp:
    """An application on the account, and the people who change tasks beside it."""

    app: AppContext
    others: Others
    source: LoggingSource
    store: SqliteEventStore
    clock: FixedClock

    async def call(self, tool: str, **arguments: object) -> dict[str, Any]:
        """The answer to a call of a tool, which is no error."""
        text, is_error = await call_tool(self.app, tool, arguments)
        assert not is_error, text
        answer: dict[str, Any] = json.loads(text)
        return answer


@asynccontextmanager
async def open_feed(folder: Path, *, compares: bool = False, user: str = "Elena") -> AsyncIterator[FeedApp]:
    """A feed on the files in a folder, as a process has it."""
    clock = FixedClock(NOW.astimezone(UTC))
    backend = open_file_store(folder / "tasks.sqlite", clock=clock, new_id=sequential_id, user=user, timezone=None)
    store, log = SqliteEventStore(folder / "events.sqlite"), LoggingSource()
    backend.event_source = ComparingSource(backend, clock) if compares else log
    journal = SqliteJournal(AccountOwner(folder / "journal.sqlite", "test"), clock=clock, new_id=numbered)
    app = AppContext(backend, Lazy(lambda: journal), clock, open_events=lambda: store)
    try:
        yield FeedApp(app, Others(backend, clock, log), log, store, clock)
    finally:
        await store.aclose()
        await app.aclose()
