"""Time that passes only while somebody sleeps."""

import asyncio
import heapq
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

import anyio
from anyio.lowlevel import checkpoint

from behaviour.world import NOW

__all__ = ["SharedTime", "Time", "settle"]


@dataclass
class Time:
    """Seconds that pass only while somebody sleeps; who sleeps at the same time as others wakes with them.

    `on_sleep` is what happens out there during the first sleep.
    """

    now: float = 1_000.0
    slept: list[float] = field(default_factory=list)
    on_sleep: Callable[[], Awaitable[object]] | None = None

    def clock(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.moment().timestamp()

    def moment(self) -> datetime:
        return NOW + timedelta(seconds=self.now - 1_000.0)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        until = self.now + seconds
        happens, self.on_sleep = self.on_sleep, None
        await (happens() if happens else checkpoint())
        self.now = max(self.now, until)


@dataclass
class SharedTime:
    """Seconds that pass for all who sleep at the same time, once nobody has anything else to do."""

    now: float = 1_000.0
    _sleepers: list[tuple[float, int, anyio.Event]] = field(default_factory=list)
    _order: "count[int]" = field(default_factory=count)
    _asleep: anyio.Event = field(default_factory=anyio.Event)

    def clock(self) -> float:
        return self.now

    def moment(self) -> datetime:
        return NOW + timedelta(seconds=self.now - 1_000.0)

    async def sleep(self, seconds: float) -> None:
        woken = anyio.Event()
        heapq.heappush(self._sleepers, (self.now + seconds, next(self._order), woken))
        self._asleep.set()
        await woken.wait()

    @asynccontextmanager
    async def passing(self) -> AsyncIterator[None]:
        """Let time pass until the end of the `with`."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._pass)
            yield
            tasks.cancel_scope.cancel()

    async def _pass(self) -> None:
        while True:
            await settle()
            if not self._sleepers:
                self._asleep = anyio.Event()
                await self._asleep.wait()
                continue
            self.now, _, woken = heapq.heappop(self._sleepers)
            woken.set()


_settling: "set[asyncio.Task[object] | None]" = set()


async def settle() -> None:
    """Return once every other task waits for something, or is in this function too.

    `anyio.wait_all_tasks_blocked` does the same, but naps for a tenth of a second whenever a task does not wait yet.
    """
    ours = asyncio.current_task()
    _settling.add(ours)
    try:
        await checkpoint()
        while any(task not in _settling and _is_running(task) for task in asyncio.all_tasks()):
            await checkpoint()
    finally:
        _settling.discard(ours)


def _is_running(task: "asyncio.Task[object]") -> bool:
    waits_for = task._fut_waiter  # type: ignore[attr-defined]  # noqa: SLF001  asyncio tells it nowhere else
    return waits_for is None or bool(waits_for.done())
