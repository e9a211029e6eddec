"""What every use case works at."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import anyio

from taskhand.backends.base import Backend
from taskhand.journal.journal import Journal

__all__ = ["AppContext", "WritePolicy"]


@dataclass(frozen=True, slots=True)
class WritePolicy:
    """How careful to be: what is offered, what is stopped at a plan, how long plans hold, what counts as sent twice.

    Bulk changes of more than `plan_over` tasks stop at a plan, which is good for `plan_for`. An identical create within
    `same_within` is answered with the first one (zero: never). `asks` is whether a person is asked through the client;
    `tick_s` how often the progress of a bulk write is told, in seconds. `only_reads` leaves out every tool that writes;
    `tools` says which others are offered, as TASKHAND_TOOLS does (None: all).
    """

    plan_over: int = 10
    plan_for: timedelta = timedelta(minutes=10)
    same_within: timedelta = timedelta(minutes=2)
    asks: bool = True
    tick_s: float = 1.0
    only_reads: bool = False
    tools: str | None = None


@dataclass(frozen=True, slots=True)
class AppContext:
    """The backend, its journal, the clock (aware datetimes) and the IANA zone of a dueTime that comes without one."""

    backend: Backend
    journal: Journal
    clock: Callable[[], datetime]
    timezone: str | None = None
    policy: WritePolicy = WritePolicy()
    sleep: Callable[[float], Awaitable[object]] = anyio.sleep
    _locks: dict[str, anyio.Lock] = field(default_factory=dict, repr=False, compare=False)

    async def aclose(self) -> None:
        """Let go of files, after whatever is being written; a wait for that can be cut short."""
        await self.backend.aclose()
        await self.journal.aclose()

    @asynccontextmanager
    async def lock(self, name: str) -> AsyncIterator[None]:
        """One write after the other to what goes by this name: each begins with what the one before has left."""
        key = name.casefold()
        lock = self._locks.setdefault(key, anyio.Lock())
        try:
            async with lock:
                yield
        finally:
            if not lock.locked() and not lock.statistics().tasks_waiting:
                self._locks.pop(key, None)

    @asynccontextmanager
    async def lock_all(self, names: Iterable[str]) -> AsyncIterator[None]:
        """The same for several at once, always in the same order, so that no two calls wait for each other."""
        async with AsyncExitStack() as held:
            for name in sorted({name.casefold() for name in names}):
                await held.enter_async_context(self.lock(name))
            yield
