"""A store in this process, with a clock and ids that a test can foresee."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from taskhand.backends.local.backend import LocalBackend
from taskhand.backends.local.directory import sequential_id
from taskhand.domain.edit import Edit
from taskhand.domain.task import Task

__all__ = ["NOW", "USER", "Clock", "change", "make", "opened_at"]

NOW = datetime(2026, 3, 4, 15, 30, tzinfo=UTC)
USER = "Elisa Mora"


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, minutes: int) -> None:
        """Let so many minutes pass."""
        self.now += timedelta(minutes=minutes)


@asynccontextmanager
async def opened_at(path: Path, clock: Clock | None = None, timezone: str | None = None) -> AsyncIterator[LocalBackend]:
    """The embedded store at `path`."""
    backend = LocalBackend(path, clock=clock or Clock(), new_id=sequential_id, user=USER, timezone=timezone)
    try:
        yield backend
    finally:
        await backend.aclose()


async def make(backend: LocalBackend, edit: Edit) -> Task:
    """A new task."""
    return (await backend.create_task(edit)).task


async def change(backend: LocalBackend, before: Task, edit: Edit) -> Task:
    """The task after a write."""
    return (await backend.update_task(before, edit)).task
