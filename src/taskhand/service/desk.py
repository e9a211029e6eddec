"""What every use case works at."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

import anyio

from taskhand.backend import Backend

__all__ = ["Desk"]


@dataclass(frozen=True, slots=True)
class Desk:
    """The backend, the clock (aware datetimes) and the IANA zone of a dueTime that comes without one."""

    backend: Backend
    clock: Callable[[], datetime]
    timezone: str | None = None
    _turns: dict[str, anyio.Lock] = field(default_factory=dict, repr=False, compare=False)

    @asynccontextmanager
    async def turn(self, task_id: str) -> AsyncIterator[None]:
        """One write after the other to the same task: each begins with what the one before has left."""
        lock = self._turns.setdefault(task_id.casefold(), anyio.Lock())
        async with lock:
            yield
        if not lock.locked() and not lock.statistics().tasks_waiting:
            self._turns.pop(task_id.casefold(), None)
