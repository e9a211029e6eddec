"""The progress of one call, for a client that asked for it: requests answered while it reads, then written tasks."""

from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from typing import Protocol

import anyio

from taskhand.call.parallel_work import concurrent_tasks
from taskhand.call.request_log import RequestLog, recorded_requests

__all__ = ["ProgressReport"]


class SendProgress(Protocol):
    """Sends one notification to the client, if it asked for progress."""

    def __call__(self, progress: float, total: float | None = None, message: str | None = None, /) -> Awaitable[None]:
        """`progress` never decreases within one call."""
        ...


class ProgressReport:
    """Reports one call. While it reads, reports at most every `tick_s` seconds, and only a new value."""

    def __init__(self, report: SendProgress, tick_s: float, *, is_asked: bool = True) -> None:
        """`is_asked` is whether the client asked for progress."""
        self._report = report
        self._tick_s = tick_s
        self._is_asked = is_asked
        self._answered = 0
        self._is_writing = False

    async def report_tasks(self, done: int, total: int) -> None:
        """Report the number of written tasks; requests that were reported before count as done."""
        self._is_writing = True
        await self._report(self._answered + done, self._answered + total)

    @asynccontextmanager
    async def of_requests(self, requests: RequestLog) -> AsyncGenerator[None, None]:
        """Record the requests sent while the body of the `with` runs, and report their number if the client asked."""
        with recorded_requests(requests):
            if not self._is_asked:
                yield
                return
            async with concurrent_tasks() as group:
                group.start_soon(self._report_requests, requests)
                yield
                group.cancel_scope.cancel()

    async def _report_requests(self, requests: RequestLog) -> None:
        while not self._is_writing:
            await anyio.sleep(self._tick_s)
            if len(requests) > self._answered and not self._is_writing:
                self._answered = len(requests)
                await self._report(self._answered, None, f"{self._answered} requests answered")
