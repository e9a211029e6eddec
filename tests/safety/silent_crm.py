"""Connections to a CRM that accepts requests and does not answer."""

from typing import TYPE_CHECKING

import httpx2

from backends.slow_transport import NetworkTime
from backends.wired import TRUST

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["NEVER", "Mute"]

NEVER = 1e9
"""Seconds."""


class Mute(httpx2.AsyncBaseTransport):
    """Real connections on which an answer takes `delay_s` of virtual time, to requests that `is_mute` says.

    A request is carried out at once where it `arrives`, else never.
    """

    def __init__(self, time: NetworkTime) -> None:
        self._inner = httpx2.AsyncHTTPTransport(verify=TRUST)
        self._time = time
        self.is_mute: Callable[[httpx2.Request], bool] = lambda _: False
        self.delay_s = NEVER
        self.arrives = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if not self.is_mute(request):
            return await self._carried_out(request)
        response = await self._carried_out(request) if self.arrives else None
        limit_s = request.extensions["timeout"]["read"]
        await self._time.sleep(min(self.delay_s, limit_s))
        if response is None or self.delay_s > limit_s:
            raise httpx2.ReadTimeout("no answer")
        return response

    async def _carried_out(self, request: httpx2.Request) -> httpx2.Response:
        self._time.under_way += 1
        try:
            return await self._inner.handle_async_request(request)
        finally:
            self._time.under_way -= 1
            self._time.stirs += 1

    async def aclose(self) -> None:
        await self._inner.aclose()
