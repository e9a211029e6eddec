"""A worker thread for one file, which runs jobs in order.

A round trip takes about half as long as one to a thread pool.
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
    """Work, and the future of the caller that waits for it; `on_end` is called in the caller's loop."""

    def __init__(self, work: Callable[[], _T], on_end: Callable[[], None]) -> None:
        self._work = work
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self.future: asyncio.Future[_T] = self._loop.create_future()

    def run(self) -> None:
        """Run the work in this thread, and hand its result or exception to the loop."""
        try:
            result = self._work()
        except BaseException as error:  # noqa: BLE001  it is raised where it is awaited
            self._call_in_loop(self._set_exception, error)
        else:
            self._call_in_loop(self._set_result, result)

    def _call_in_loop(self, callback: Callable[..., None], value: object) -> None:
        with suppress(RuntimeError):  # the loop is closed, and nobody waits any more
            self._loop.call_soon_threadsafe(callback, value)

    def _set_result(self, value: _T) -> None:
        self._on_end()
        if not self.future.done():
            self.future.set_result(value)

    def _set_exception(self, error: BaseException) -> None:
        self._on_end()
        if not self.future.done():
            self.future.set_exception(error)


class Worker:
    """Starts its thread with the first job; does not keep the process from ending."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: SimpleQueue[_Job[object] | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._former: Thread | None = None
        self._pending = 0

    @property
    def is_idle(self) -> bool:
        """Whether all jobs have ended, so that the loop's thread may use the shared connection."""
        return not self._pending

    async def run(self, work: Callable[[], _T]) -> _T:
        """Run the work after all earlier jobs; a cancelled caller still waits for it."""
        job = self._submit(work)
        with anyio.CancelScope(shield=True):
            return await job.future
        raise AssertionError("a shielded scope ends with what is in it")

    async def stop(self, work: Callable[[], _T]) -> _T:
        """Run the work as the last job, and end the thread; the wait can be cancelled.

        Later jobs run in a new thread, after this one has ended: never two at the same time.
        """
        job = self._submit(work)
        self._jobs.put(None)
        self._former, self._thread = self._thread, None
        return await job.future

    def _submit(self, work: Callable[[], _T]) -> _Job[_T]:
        job = _Job(work, self._count_ended)
        self._pending += 1
        self._jobs.put(job)  # type: ignore[arg-type]  # of any type: the future knows which
        if self._thread is None:
            self._thread = Thread(target=_run_jobs, args=(self._jobs, self._former), name=self._name, daemon=True)
            self._thread.start()
        return job

    def _count_ended(self) -> None:
        self._pending -= 1


def _run_jobs(jobs: "SimpleQueue[_Job[object] | None]", former: Thread | None) -> None:
    if former is not None:
        former.join()
    while (job := jobs.get()) is not None:
        job.run()
