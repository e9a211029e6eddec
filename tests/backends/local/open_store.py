"""A store in this process with predictable times and ids."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fixed_clock import FixedClock
from taskhand.backends.local.backend import LocalBackend
from taskhand.backends.local.people_and_statuses import sequential_id
from taskhand.backends.local.sqlite import open_file_store
from taskhand.domain.edit import Edit
from taskhand.domain.task import Task

if TYPE_CHECKING:
    from postgres_server import TestDatabase

__all__ = ["USER", "create", "empty_database", "open_database", "open_store", "update"]

USER = "Elisa Mora"


@asynccontextmanager
async def open_store(
    path: Path, clock: FixedClock | None = None, timezone: str | None = None
) -> AsyncIterator[LocalBackend]:
    """The built-in store at `path`."""
    backend = open_file_store(path, clock=clock or FixedClock(), new_id=sequential_id, user=USER, timezone=timezone)
    try:
        yield backend
    finally:
        await backend.aclose()


@asynccontextmanager
async def open_database(
    url: str,
    clock: FixedClock | None = None,
    timezone: str | None = None,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> AsyncIterator[LocalBackend]:
    """The built-in store in the PostgreSQL database at `url`."""
    from taskhand.backends.local.postgres import open_database_store  # noqa: PLC0415  few tests want it
    from taskhand.postgres.database import Database  # noqa: PLC0415

    clock = clock or FixedClock()
    backend = open_database_store(
        Database(url, sleep=sleep), clock=clock, new_id=sequential_id, user=USER, timezone=timezone
    )
    try:
        yield backend
    finally:
        await backend.aclose()


def empty_database(database: "TestDatabase") -> None:
    """Remove what is in its built-in store, which costs less than the store itself."""
    if database.rows("SELECT 1 FROM pg_namespace WHERE nspname = 'taskhand_tasks'"):
        database.run(
            "SET search_path TO taskhand_tasks; UPDATE id_sequence SET last = 0; "
            "TRUNCATE change, task, task_responsible, member, status, contact, former_place"
        )


async def create(backend: LocalBackend, edit: Edit) -> Task:
    """Create a task."""
    return (await backend.create_task(edit)).task


async def update(backend: LocalBackend, before: Task, edit: Edit) -> Task:
    """Update a task; the task afterwards."""
    return (await backend.update_task(before, edit)).task
