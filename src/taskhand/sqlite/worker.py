"""A thread of its own for one file: what is given to it is done in turn.

A hop there and back takes about half of what one to a pool of threads takes.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Generic, TypeVar

import anyio

__all__ = ["Worker"]

_T = TypeVar("_T")


class _Job(Generic[_T]):
    """A piece of work, and who waits for it."""

    def __init__(self, work: Callable[[], _T], over: Callable[[], None]) -> None:
        self._work = work
        self._over = over
        self._loop = asyncio.get_running_loop()
        self.future: asyncio.Future[_T] = self._loop.create_future()

    def do(self) -> None:
        """Do it here, and tell the loop."""
        try:
            done = self._work()
        except BaseException as error:  # noqa: BLE001  it is raised where it is waited for
            self._tell(self._failed, error)
        else:
            self._tell(self._done, done)

    def _tell(self, told: Callable[..., None], value: object) -> None:
        with suppress(RuntimeError):  # the loop is over, and nobody waits any more
            self._loop.call_soon_threadsafe(told, value)

    def _done(self, value: _T) -> None:
        self._over()
        if not self.future.done():
            self.future.set_result(value)

    def _failed(self, error: BaseException) -> None:
        self._over()
        if not self.future.done():
            self.future.set_exception(error)


class Worker:
    """Starts its thread when there is something to do; a process ends without waiting for it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: SimpleQueue[_Job[object] | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._former: Thread | None = None
        self._pending = 0

    @property
    def is_idle(self) -> bool:
        """Whether all that was given is done: nobody but the loop can be at what the two of them share."""
        return not self._pending

    async def do(self, work: Callable[[], _T]) -> _T:
        """Do it after whatever was given before; whoever gives up waits all the same."""
        job = self._given(work)
        with anyio.CancelScope(shield=True):
            return await job.future
        raise AssertionError("a shielded scope ends with what is in it")

    async def end(self, work: Callable[[], _T]) -> _T:
        """Do it last, and end the thread; the wait for that can be cut short.

        What is given after that is done by another thread, once this one is through: never two at the same time.
        """
        job = self._given(work)
        self._jobs.put(None)
        self._former, self._thread = self._thread, None
        return await job.future

    def _given(self, work: Callable[[], _T]) -> _Job[_T]:
        job = _Job(work, self._over)
        self._pending += 1
        self._jobs.put(job)  # type: ignore[arg-type]  # of any type: the future knows which
        if self._thread is None:
            self._thread = Thread(target=_works, args=(self._jobs, self._former), name=self._name, daemon=True)
            self._thread.start()
        return job

    def _over(self) -> None:
        self._pending -= 1


def _works(jobs: "SimpleQueue[_Job[object] | None]", former: Thread | None) -> None:
    if former is not None:
        former.join()
    while (job := jobs.get()) is not None:
        job.do()
