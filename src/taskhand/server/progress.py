"""The progress of one call, for a client that asked for it: requests answered while it reads, then written tasks."""

from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

import anyio

from taskhand.call.parallel_work import concurrent_tasks

__all__ = ["ProgressReport"]


class SendProgress(Protocol):
    """Sends one notification to the client, if it asked for progress."""

    def __call__(self, progress: float, total: float | None = None, message: str | None = None, /) -> Awaitable[None]:
        """`progress` never decreases within one call."""
        ...


class ProgressReport:
    """Reports one call. While it reads, reports at most every `tick_s` seconds, and only a new value."""

    def __init__(self, report: SendProgress, tick_s: float) -> None:
        self._report = report
        self._tick_s = tick_s
        self._answered = 0
        self._is_writing = False

    async def report_tasks(self, done: int, total: int) -> None:
        """Report the number of written tasks; requests that were reported before count as done."""
        self._is_writing = True
        await self._report(self._answered + done, self._answered + total)

    @asynccontextmanager
    async def of_requests(self, requests: Sequence[str]) -> AsyncGenerator[None, None]:
        """Report the number of answered `requests` while the body of the `with` runs."""
        async with concurrent_tasks() as group:
            group.start_soon(self._report_requests, requests)
            yield
            group.cancel_scope.cancel()

    async def _report_requests(self, requests: Sequence[str]) -> None:
        while not self._is_writing:
            await anyio.sleep(self._tick_s)
            if len(requests) > self._answered and not self._is_writing:
                self._answered = len(requests)
                await self._report(self._answered, None, f"{self._answered} requests answered")
