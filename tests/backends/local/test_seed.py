"""The demo data: believable, around today, and the same every time."""

import re
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from backends.local.open_store import open_store
from fixed_clock import NOW
from taskhand.backends.local.backend import LocalBackend
from taskhand.backends.local.seed import seed_store
from taskhand.domain.due import due_of, is_overdue
from taskhand.domain.errors import Ambiguous, CallerError
from taskhand.domain.people_lookup import match_members
from taskhand.domain.task import Task
from taskhand.domain.task_query import TaskQuery

OF_THIS_RUN = re.compile('INTO "(identity|change)"')
"""Rows that are others in every store: its name, and when the triggers have logged something."""


@pytest.fixture
async def backend(store_file: Path) -> AsyncIterator[LocalBackend]:
    """A file alone: nothing of the data set is about where it is."""
    async with open_store(store_file) as backend:
        yield backend


async def seed_tasks(backend: LocalBackend) -> tuple[Task, ...]:
    count = await seed_store(backend, NOW)
    tasks = (await backend.list_tasks(TaskQuery(limit=100))).tasks
    assert len(tasks) == count
    return tasks


async def test_some_tasks_have_a_day_some_a_time_and_some_neither(backend: LocalBackend) -> None:
    tasks = await seed_tasks(backend)
    kinds = Counter("none" if not t.due_at else "day" if t.is_all_day else "time" for t in tasks)
    assert min(kinds["none"], kinds["day"], kinds["time"]) >= 3
    assert all(task.due_timezone == "America/Santiago" for task in tasks if task.due_at and not task.is_all_day)


async def test_dates_lie_around_today_and_some_are_late(backend: LocalBackend) -> None:
    tasks = await seed_tasks(backend)
    away = [(due.day - NOW.date()).days for due in map(due_of, tasks) if due]
    assert min(away) < -3
    assert 0 in away
    assert max(away) > 7
    late = [t for t in tasks if is_overdue(due_of(t), NOW, None) and t.status_config and t.status_config.type != "done"]
    assert len(late) >= 3


async def test_today_is_the_day_in_the_zone_of_the_data(backend: LocalBackend) -> None:
    await seed_store(backend, datetime(2026, 3, 4, 1, 30, tzinfo=UTC))  # the evening before in Santiago
    tasks = (await backend.list_tasks(TaskQuery(limit=100))).tasks
    days = {task.title: due.day for task in tasks if (due := due_of(task))}
    assert days["Update the price list"] == days["Prepare the demo for Estudio Lagos"] == date(2026, 3, 3)


async def test_seeded_tasks_use_every_status_and_priority_and_finished_ones_were_due_before_today(
    backend: LocalBackend,
) -> None:
    tasks = await seed_tasks(backend)
    statuses = Counter(task.status_config.name for task in tasks if task.status_config)
    assert set(statuses) == {"Pendiente", "En Progreso", "Completado"}
    assert {task.priority for task in tasks} == {0, 1, 2}
    done = [due_of(task) for task in tasks if task.status_config and task.status_config.type == "done"]
    assert all(due and due.day < date(2026, 3, 4) for due in done)


async def test_linked_contacts_can_be_found_and_belong_to_the_customer(backend: LocalBackend) -> None:
    tasks = await seed_tasks(backend)
    customers = {contact.id: contact.customer_id for contact in await backend.account.find_contacts("", 100)}
    linked = [task for task in tasks if task.ai_contact_id]
    assert len(linked) >= 5
    assert all(customers[str(task.ai_contact_id)] == task.ai_customer_id for task in linked)
    assert any(not task.ai_contact_id for task in tasks)


async def test_people_are_on_the_team_and_two_of_them_share_a_name(backend: LocalBackend) -> None:
    tasks = await seed_tasks(backend)
    team = {member.id for member in await backend.account.members()}
    assert all(set(task.responsible_ids) <= team for task in tasks)
    assert {len(task.responsible_ids) for task in tasks} >= {0, 1, 2}
    with pytest.raises(Ambiguous):
        match_members(["maria rodriguez"], await backend.account.members(), None)


async def test_a_store_with_tasks_is_not_seeded_and_stays_as_it_is(backend: LocalBackend) -> None:
    await seed_tasks(backend)
    before = await backend.account.members()
    with pytest.raises(CallerError, match="has tasks already"):
        await seed_store(backend, NOW)
    assert await backend.account.members() == before


async def test_a_store_without_its_first_statuses_can_be_seeded(backend: LocalBackend) -> None:
    await backend.edit(lambda directory: directory.rename_status("En Progreso", "Doing"))
    await backend.edit(lambda directory: directory.remove_status("Completado"))
    tasks = await seed_tasks(backend)
    assert {task.status_config.name for task in tasks if task.status_config} == {"Pendiente", "Doing"}


async def test_the_seed_is_the_same_every_time(tmp_path: Path) -> None:
    dumps = []
    for name in ("one", "two"):
        path = tmp_path / f"{name}.sqlite"
        async with open_store(path) as backend:
            await seed_store(backend, NOW)
        with closing(sqlite3.connect(path)) as connection:
            dumps.append([line for line in connection.iterdump() if not OF_THIS_RUN.search(line)])
    assert dumps[0] == dumps[1]
