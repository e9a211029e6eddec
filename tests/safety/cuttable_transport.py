"""The connections between Taskhand and a CRM, which a test cuts with an exception of any class."""

from collections.abc import AsyncIterator, Callable

import httpx2

from backends.sandboxed_app import TRUST
from taskhand.http.connection_pool import PooledTransport

__all__ = ["CuttableTransport"]


class CuttableTransport(httpx2.AsyncBaseTransport):
    """Real connections. While `failure` makes exceptions, no request arrives.

    Where it `loses` them, answers that are under way by then are lost in the same way: before their first byte, or
    within their `body`.
    """

    def __init__(self) -> None:
        self._inner = PooledTransport(TRUST)
        self.failure: Callable[[], Exception] | None = None
        self.loses = ""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self.failure is not None:
            raise self.failure()
        response = await self._inner.handle_async_request(request)
        if self.failure is not None and self.loses:
            await response.aclose()
            if self.loses == "answer":
                raise self.failure()
            return httpx2.Response(response.status_code, headers=response.headers, stream=_Broken(self.failure()))
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Broken(httpx2.AsyncByteStream):
    """A body that ends with an exception."""

    def __init__(self, failure: Exception) -> None:
        self._failure = failure

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"{"
        raise self._failure
