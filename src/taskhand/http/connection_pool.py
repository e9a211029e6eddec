"""Pooled connections to one upstream, which clean responses before they are parsed.

They remove junk from heads (`response_head`), and bytes after a response, which could otherwise be read as the response
to another request (`response_end`).
"""

import ssl
from collections.abc import AsyncIterable, AsyncIterator, Generator, Iterable
from contextlib import contextmanager
from typing import Any, Final

import httpcore2
import httpx2

from taskhand.http.response_end import ResponseEnd
from taskhand.http.response_head import HeadReader

__all__ = ["PooledTransport"]

_ERRORS: Final = {
    getattr(httpcore2, name): getattr(httpx2, name)
    for name in (
        *("ConnectError", "ReadError", "WriteError", "ProxyError", "UnsupportedProtocol"),
        *("ConnectTimeout", "ReadTimeout", "WriteTimeout", "PoolTimeout"),
        *("LocalProtocolError", "RemoteProtocolError"),
    )
}
_LIMITS: Final = {"max_connections": 100, "max_keepalive_connections": 20, "keepalive_expiry": 5.0}


class PooledTransport(httpx2.AsyncBaseTransport):
    """A replacement for `httpx2.AsyncHTTPTransport`, which accepts no network backend: HTTP/1.1, direct or by proxy.

    `proxy` is a URL: ValueError or ImportError if it cannot be used.
    """

    def __init__(self, trust: ssl.SSLContext, proxy: str | None = None) -> None:
        self._pool = _open_pool(trust, None if proxy is None else httpx2.Proxy(proxy))

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request; the body is read from the response."""
        sent = httpcore2.Request(
            method=request.method,
            url=_address(request.url),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _errors_of_httpx2():
            response = await self._pool.handle_async_request(sent)
        stream = response.stream
        if not isinstance(stream, AsyncIterable):
            raise TypeError("a synchronous stream")
        return httpx2.Response(response.status, headers=response.headers, stream=_Body(stream))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._pool.aclose()


@contextmanager
def _errors_of_httpx2() -> Generator[None, None, None]:
    """Convert the exceptions of httpcore2 to those of httpx2, which have the same names."""
    try:
        yield
    except tuple(_ERRORS) as error:
        raise _ERRORS[type(error)](str(error)) from error


def _open_pool(trust: ssl.SSLContext, proxy: httpx2.Proxy | None) -> httpcore2.AsyncConnectionPool:
    network = _Network()
    if proxy is None:
        return httpcore2.AsyncConnectionPool(ssl_context=trust, network_backend=network, **_LIMITS)  # type: ignore[arg-type]
    given: dict[str, Any] = {"proxy_url": _address(proxy.url), "proxy_auth": proxy.raw_auth, **_LIMITS}
    if proxy.url.scheme in {"socks5", "socks5h"}:
        try:
            return httpcore2.AsyncSOCKSProxy(ssl_context=trust, network_backend=network, **given)
        except RuntimeError as error:  # the library raises this if an optional package is missing
            raise ImportError(str(error)) from None
    return httpcore2.AsyncHTTPProxy(ssl_context=trust, network_backend=network, **given)


def _address(url: httpx2.URL) -> httpcore2.URL:
    return httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


class _Body(httpx2.AsyncByteStream):
    """The body of a response."""

    def __init__(self, stream: AsyncIterable[bytes]) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _errors_of_httpx2():
            async for chunk in self._stream:
                yield chunk

    async def aclose(self) -> None:
        close = getattr(self._stream, "aclose", None)
        if close is not None:
            await close()


class _Network(httpcore2.AsyncNetworkBackend):
    """Sockets whose streams clean heads and cut off bytes after a response."""

    def __init__(self) -> None:
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  the library's own signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        return _HttpStream(await self._inner.connect_tcp(host, port, timeout, local_address, socket_options))

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


class _HttpStream(httpcore2.AsyncNetworkStream):
    """A connection. Requests are not pipelined, so the bytes after a written request begin with a head."""

    def __init__(self, inner: httpcore2.AsyncNetworkStream) -> None:
        self._inner = inner
        self._heads = HeadReader()
        self._end = ResponseEnd()
        self._is_writing = False
        self._unsent = b""
        self._requests = 0

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109  as above
        """The next bytes of the response.

        RemoteProtocolError if two different responses follow a request that is not the first one: the first of them
        may be a second response to an earlier request.
        """
        if self._unsent:
            await self.write(b"", timeout)
        self._is_writing = False
        while (passed := self._heads.feed(await self._inner.read(max_bytes, timeout))) is None:
            pass
        passed = self._end.cut(passed)
        if self._end.has_other_answer and self._requests > 1:
            raise httpcore2.RemoteProtocolError("two answers to one request")
        return passed

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109  as above
        """Send these bytes; the head of a request waits for its body, or its end, so that both are one packet."""
        if not self._is_writing:
            self._is_writing = True
            self._requests += 1
            self._end = ResponseEnd()
            self._heads.expect()
            self._unsent = buffer
            return
        unsent, self._unsent = self._unsent + buffer, b""
        await self._inner.write(unsent, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  as above
    ) -> httpcore2.AsyncNetworkStream:
        return _HttpStream(await self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        """As in the library: a connection is not reused if it is readable, or if bytes followed a response."""
        return (info == "is_readable" and bool(self._end.surplus)) or self._inner.get_extra_info(info)
