"""Connections to a CRM that accepts requests and does not answer."""

from typing import TYPE_CHECKING

import httpx2

from backends.slow_transport import CountedTransport, NetworkTime

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["NEVER", "SilentTransport"]

NEVER = 1e9
"""Seconds."""


class SilentTransport(CountedTransport):
    """Real connections on which an answer takes `delay_s` of virtual time, to requests that `is_silent` says.

    A request is carried out at once where it `arrives`, else never.
    """

    def __init__(self, time: NetworkTime) -> None:
        super().__init__(time)
        self.is_silent: Callable[[httpx2.Request], bool] = lambda _: False
        self.delay_s = NEVER
        self.arrives = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if not self.is_silent(request):
            return await super().handle_async_request(request)
        response = await super().handle_async_request(request) if self.arrives else None
        limit_s = request.extensions["timeout"]["read"]
        await self._time.sleep(min(self.delay_s, limit_s))
        if response is None or self.delay_s > limit_s:
            raise httpx2.ReadTimeout("no answer")
        return response
