"""One request and its whole answer, or the name of what went wrong; and the connection underneath."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import anyio
import httpx2

from taskhand.domain.errors import OperatorError
from taskhand.http.origin import Origin
from taskhand.http.proxy_route import proxy_route_for
from taskhand.http.reply import decompress
from taskhand.http.retry import Event, event_of

__all__ = ["Attempt", "direct", "send_once"]

_NOTHING_SENT: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
_UNPACKED_AWAY: Final = frozenset({"content-encoding", "content-length", "transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one attempt brought: an answer read whole, or the name of what went wrong, never the exception itself.

    The library's exceptions hold the request, and the request holds the key.
    """

    event: Event
    response: httpx2.Response | None = None
    cause: str = ""

    @property
    def outcome(self) -> str:
        """The status, or what went wrong; for logs."""
        return str(self.response.status_code) if self.response else self.cause

    @property
    def headers(self) -> Mapping[str, str]:
        """Header names in lower case; empty without an answer."""
        return {name.lower(): value for name, value in self.response.headers.items()} if self.response else {}


async def send_once(
    inner: httpx2.AsyncBaseTransport, request: httpx2.Request, *, within_s: float, body_bytes: int
) -> Attempt:
    """Send once and read the answer whole, within so many seconds and bytes (unpacked)."""
    try:
        with anyio.fail_after(within_s):
            response = await inner.handle_async_request(request)
            return await _whole(response, body_bytes)
    except TimeoutError:
        return Attempt(Event.TIMED_OUT, cause="TimeoutError")
    except httpx2.TransportError as error:
        return Attempt(_event_of_failure(error), cause=type(error).__name__)


async def _whole(response: httpx2.Response, limit: int) -> Attempt:
    """Read the body; of a refusal only the status matters, so its body may be missing."""
    event = event_of(response.status_code)
    body, trouble = await _body(response, limit)
    if trouble is not None and event is Event.SUCCEEDED:
        return Attempt(trouble, cause=f"{response.status_code}, {trouble.name.lower()}")
    headers = [(name, value) for name, value in response.headers.multi_items() if name.lower() not in _UNPACKED_AWAY]
    return Attempt(event, httpx2.Response(response.status_code, headers=headers, content=body))


async def _body(response: httpx2.Response, limit: int) -> tuple[bytes, Event | None]:
    try:
        raw = await _raw(response, limit)
    except httpx2.TransportError:
        return b"", Event.CUT
    body = decompress(raw, response.headers.get("content-encoding", "").strip().lower(), limit)
    if body is None:
        return b"", Event.CUT if len(raw) <= limit else Event.OVERSIZED
    return (body, None) if len(body) <= limit else (b"", Event.OVERSIZED)


async def _raw(response: httpx2.Response, limit: int) -> bytes:
    """Read until the end, or just past the limit."""
    raw = bytearray()
    try:
        async for chunk in response.aiter_raw():
            raw += chunk
            if len(raw) > limit:
                break
    finally:
        await response.aclose()
    return bytes(raw)


def _event_of_failure(error: httpx2.TransportError) -> Event:
    if isinstance(error, _NOTHING_SENT):
        return Event.UNTRUSTED if _is_about_trust(error) else Event.UNREACHED
    return Event.TIMED_OUT if isinstance(error, httpx2.TimeoutException) else Event.BROKEN


def _is_about_trust(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error is not None


def direct(origin: Origin) -> httpx2.AsyncBaseTransport:
    """Open the connection pool: the system's trust store or SSL_CERT_FILE, and the environment's proxy.

    A client that is given a transport ignores HTTPS_PROXY, so the proxy is chosen here. Raises OperatorError.
    """
    try:
        proxy = proxy_route_for(origin).proxy
        # Reading the system's certificates takes tens of milliseconds, and over plain http nobody shows one: a context
        # of its own trusts nobody.
        plain = origin.scheme == "http" and proxy is None
        return httpx2.AsyncHTTPTransport(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain else True, proxy=proxy)
    except OSError:
        problem = "The certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read."
    except (ValueError, ImportError, httpx2.InvalidURL):
        problem = "The proxy that HTTPS_PROXY, HTTP_PROXY or ALL_PROXY names cannot be used."
    raise OperatorError(problem, next_step="Whoever runs Taskhand should correct that environment variable.")
