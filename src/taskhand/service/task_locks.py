"""The locks that order writes to the same task, of this process and of the replicas that share its journal."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import anyio

from taskhand.call.deadline import acquire_in_time, time_left
from taskhand.domain.errors import CallerError

if TYPE_CHECKING:
    from taskhand.journal.journal import SharedLocks
    from taskhand.service.change_announcements import TaskUpdates

__all__ = ["TaskLocks"]

_MIN_PAUSE_S: Final = 0.02
_MAX_PAUSE_S: Final = 0.5
"""Maximum seconds between two polls of a lease that another replica holds."""
_MAX_WRITERS: Final = 10_000
"""Maximum number of tasks whose last writer is remembered."""


class TaskLocks:
    """Locks on names, such as task ids and the scopes of claims, ignoring case; one holder of a name at a time.

    All callers of a connection share them. Whoever acquires the lock of a task no longer sees what was cached of it
    before another process or another credential wrote it.
    """

    def __init__(
        self, shared: "SharedLocks", updates: "TaskUpdates", wait_s: float, sleep: Callable[[float], Awaitable[object]]
    ) -> None:
        """`wait_s` is the maximum number of seconds for which a call waits for the lease of another replica."""
        self._shared = shared
        self._updates = updates
        self._wait_s = wait_s
        self._sleep = sleep
        self._locks: dict[str, anyio.Lock] = {}
        self._writers: dict[str, str] = {}

    @asynccontextmanager
    async def hold(self, names: Iterable[str], writer: str | None) -> AsyncIterator[None]:
        """Hold the locks of all these names, acquired in sorted order so that two calls never deadlock.

        `writer` is the person whose credential writes, empty for none; None if all callers share one credential.
        CallerError if another call, here or at another replica, holds one for as long as this one may wait.
        """
        keys, held = sorted({name.casefold() for name in names}), list[str]()
        try:
            for key in keys:
                await self._acquire(key)
                held.append(key)
            try:
                if keys:
                    await self._acquire_leases(keys)
                    if writer is not None:
                        self._note_writer(keys, writer)
                yield
            finally:
                if keys:  # also if the call was cancelled while it took them: it may have them
                    await self._shared.release(keys)
        finally:
            for key in held:
                self._release(key)

    async def _acquire_leases(self, keys: Collection[str]) -> None:
        """Acquire the leases of these names from other replicas; CallerError if one is held until this call's deadline.

        Cached tasks that another process wrote since are dropped.
        """
        left_s, pause_s = self._wait_s, _MIN_PAUSE_S
        while (others := await self._shared.acquire(keys, has_cache=self._updates.has_cache)) is None:
            if (left_s := min(left_s, time_left())) <= 0:
                raise _in_progress_error()
            await self._sleep(min(pause_s, left_s))
            left_s, pause_s = left_s - pause_s, min(2 * pause_s, _MAX_PAUSE_S)
        if others:
            self._updates.forget(others)

    def _note_writer(self, keys: Collection[str], writer: str) -> None:
        """Record the last writer of these tasks, and drop cached ones that another credential wrote.

        The cache of one credential does not show what another has written.
        """
        if len(self._writers) > _MAX_WRITERS:
            self._writers.clear()
            self._updates.forget(None)
        if others := [key for key in keys if self._writers.get(key, writer) != writer]:
            self._updates.forget(others)
        self._writers.update(dict.fromkeys(keys, writer))

    async def _acquire(self, key: str) -> None:
        """Acquire a lock of this process."""
        lock = self._locks.setdefault(key, anyio.Lock())
        try:
            if not await acquire_in_time(lock):
                raise _in_progress_error()
        finally:
            self._drop_unused(key, lock)

    def _release(self, key: str) -> None:
        lock = self._locks[key]
        lock.release()
        self._drop_unused(key, lock)

    def _drop_unused(self, key: str, lock: anyio.Lock) -> None:
        """Delete a lock that no call holds. One that calls wait for is never free: the first of them gets it."""
        if not lock.locked() and self._locks.get(key) is lock:
            del self._locks[key]


def _in_progress_error() -> CallerError:
    return CallerError(
        "Another call is still writing the same task; nothing was sent.",
        code="in_progress",
        retryable=True,
        next_step="Send the same call again in a moment.",
    )
