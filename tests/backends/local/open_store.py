"""A store in this process with predictable times and ids."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fixed_clock import FixedClock
from taskhand.backends.local.backend import LocalBackend
from taskhand.backends.local.directory import sequential_id
from taskhand.backends.local.sqlite import open_file_store
from taskhand.domain.edit import Edit
from taskhand.domain.task import Task

__all__ = ["USER", "create", "open_store", "update"]

USER = "Elisa Mora"


@asynccontextmanager
async def open_store(
    path: Path, clock: FixedClock | None = None, timezone: str | None = None
) -> AsyncIterator[LocalBackend]:
    """The embedded store at `path`."""
    backend = open_file_store(path, clock=clock or FixedClock(), new_id=sequential_id, user=USER, timezone=timezone)
    try:
        yield backend
    finally:
        await backend.aclose()


async def create(backend: LocalBackend, edit: Edit) -> Task:
    """Create a task."""
    return (await backend.create_task(edit)).task


async def update(backend: LocalBackend, before: Task, edit: Edit) -> Task:
    """Update a task; the task afterwards."""
    return (await backend.update_task(before, edit)).task
