"""Requests that wait for slots of a budget, in a fair order."""

from collections import deque
from dataclasses import dataclass, field

import anyio

__all__ = ["FairQueue", "Waiter"]


@dataclass(eq=False, slots=True)
class Waiter:
    """A waiting request, and its slot once it has one."""

    call: object
    woken: anyio.Event = field(default_factory=anyio.Event)
    leaves_at: float | None = None

    async def wait(self) -> None:
        """Wait until woken."""
        await self.woken.wait()
        self.woken = anyio.Event()


class FairQueue:
    """Waiting requests: calls take turns, and the requests of one call keep their order."""

    def __init__(self) -> None:
        self._by_call: dict[object, deque[Waiter]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._by_call.values()))

    def add(self, waiter: Waiter) -> None:
        """Add a request at the end of those of its call."""
        self._by_call.setdefault(waiter.call, deque()).append(waiter)

    def remove(self, waiter: Waiter) -> None:
        """Take a request out, if it still waits."""
        waiting = self._by_call.get(waiter.call)
        if waiting is not None and waiter in waiting:
            waiting.remove(waiter)
            if not waiting:
                del self._by_call[waiter.call]

    def first(self) -> Waiter | None:
        """The next request; None if none waits."""
        return next((waiting[0] for waiting in self._by_call.values()), None)

    def pop(self) -> Waiter:
        """Take the next request out; its call goes to the end of the queue."""
        call, waiting = next(iter(self._by_call.items()))
        waiter = waiting.popleft()
        del self._by_call[call]
        if waiting:
            self._by_call[call] = waiting
        return waiter
