"""Transports whose requests a time knows: it passes only while none is under way and every task sleeps."""

from dataclasses import dataclass, field
from heapq import heappop, heappush

import httpx2
from anyio.lowlevel import checkpoint

from backends.sandboxed_app import TRUST
from virtual_time import Time

__all__ = ["CountedTransport", "NetworkTime", "SlowTransport"]

_QUIET = 40
"""Rounds of the event loop without activity after which every task is taken to sleep."""


@dataclass
class NetworkTime(Time):
    """Seconds that pass to the earliest end of a sleep once every task sleeps; never while a request is under way."""

    under_way: int = 0
    stirs: int = 0
    _wakings: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.stirs += 1
        until = self.now + seconds
        heappush(self._wakings, until)
        await checkpoint()
        while self.now < until:
            if await self._is_quiet() and self.now < until:
                self.now = max(self.now, heappop(self._wakings))
                self.stirs += 1

    async def _is_quiet(self) -> bool:
        stirs = self.stirs
        for _ in range(_QUIET):
            await checkpoint()
            if self.under_way or stirs != self.stirs:
                return False
        return True


class CountedTransport(httpx2.AsyncBaseTransport):
    """Real connections; `time` counts the requests that are under way."""

    def __init__(self, time: NetworkTime) -> None:
        self._inner = httpx2.AsyncHTTPTransport(verify=TRUST)
        self._time = time

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self._time.under_way += 1
        try:
            return await self._inner.handle_async_request(request)
        finally:
            self._time.under_way -= 1
            self._time.stirs += 1

    async def aclose(self) -> None:
        await self._inner.aclose()


class SlowTransport(CountedTransport):
    """Real connections that are reached `latency_s` after a request leaves."""

    def __init__(self, time: NetworkTime, latency_s: float) -> None:
        super().__init__(time)
        self._latency_s = latency_s

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await self._time.sleep(self._latency_s)
        return await super().handle_async_request(request)
