"""When a task was changed and finished, and by whom: recorded by every write, and brought back by an undo."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from backends.local.open_store import create, open_store, update
from fixed_clock import NOW, FixedClock
from taskhand.backends.local.backend import LocalBackend
from taskhand.domain.date_window import Period
from taskhand.domain.edit import Edit
from taskhand.domain.task import StatusChoice
from taskhand.domain.task_query import TaskQuery
from taskhand.domain.task_times import Moment, TaskTimes


async def statuses(backend: LocalBackend) -> dict[str, Edit]:
    """An edit for each status, by its type; `other` is a second finished one."""
    await backend.edit(lambda directory: directory.add_status("Archivado", "done"))
    known = (await backend.statuses()).statuses
    edits = {status.type: Edit(status=StatusChoice.of(status)) for status in reversed(known)}
    return edits | {"other": Edit(status=StatusChoice.of(known[-1]))}


async def times(backend: LocalBackend) -> TaskTimes:
    """Those of the only task."""
    return next(iter((await backend.list_tasks(TaskQuery())).times.values()))


async def test_a_finished_task_has_a_finish_time_until_it_is_reopened(
    store_file: Path,
) -> None:
    clock = FixedClock()
    async with open_store(store_file, clock) as backend:
        me, to = await backend.account.me(), await statuses(backend)
        task = await create(backend, Edit(title="Call", priority=1))
        assert await times(backend) == TaskTimes(updated=NOW)
        clock.move(minutes=1)
        task = await update(backend, task, to["done"])
        finished = NOW + timedelta(minutes=1)
        assert await times(backend) == TaskTimes(finished, finished, me)
        clock.move(minutes=1)
        task = await update(backend, task, to["other"])
        assert await times(backend) == TaskTimes(NOW + timedelta(minutes=2), finished, me)
        await update(backend, task, to["initial"])
        assert await times(backend) == TaskTimes(NOW + timedelta(minutes=2))


async def test_undo_restores_the_time_and_person_of_a_completion(store_file: Path) -> None:
    clock = FixedClock()
    async with open_store(store_file, clock) as backend:
        to = await statuses(backend)
        task = await create(backend, Edit(title="Call", priority=1, status=to["done"].status))
        finished = await times(backend)
        before = (await backend.snapshots([task.id]))[task.id]
        clock.move(minutes=5)
        task = await update(backend, task, to["initial"])
        await update(backend, task, Edit(status=to["done"].status, native=before.native))
        restored = await times(backend)
        assert (restored.completed, restored.completed_by) == (finished.completed, finished.completed_by)


async def test_tasks_of_an_older_version_have_unknown_times(store_file: Path) -> None:
    async with open_store(store_file) as backend:
        to = await statuses(backend)
        await create(backend, Edit(title="Call", priority=1, status=to["done"].status))
        unknown = "UPDATE task SET updated_at = NULL, completed_at = NULL, completed_by = NULL"
        await backend.edit(lambda directory: directory.connection.execute(unknown).rowcount)
        assert await times(backend) == TaskTimes()


async def test_a_time_without_an_offset_that_another_program_wrote_is_not_known(store_file: Path) -> None:
    async with open_store(store_file) as backend:
        await create(backend, Edit(title="Call", priority=1))
        with closing(sqlite3.connect(store_file)) as other, other:
            other.execute("UPDATE task SET updated_at = '2026-03-04T15:30:00', completed_at = 'yesterday'")
        assert await times(backend) == TaskTimes()


@pytest.mark.parametrize("moment", ["created", "updated", "completed"])
async def test_a_period_includes_its_first_moment_and_not_its_end(store_file: Path, moment: Moment) -> None:
    async with open_store(store_file, FixedClock()) as backend:
        to = await statuses(backend)
        await create(backend, Edit(title="Call", priority=1, status=to["done"].status))
        later = NOW + timedelta(seconds=1)
        pages = [
            await backend.list_tasks(TaskQuery(period=Period(moment, *one))) for one in ((NOW, later), (None, NOW))
        ]
        assert [len(page.tasks) for page in pages] == [1, 0]
