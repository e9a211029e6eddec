"""One attempt to send a request: its whole answer, or the name of what went wrong; and the connection underneath."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import anyio
import httpx2

from taskhand.domain.errors import OperatorError
from taskhand.http.origin import Origin
from taskhand.http.proxy_route import proxy_route_for
from taskhand.http.reply import decompress
from taskhand.http.retry import Event, event_of

__all__ = ["Answer", "Attempt", "open_transport", "send_once"]

_NOTHING_SENT: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that was read whole: header names are in lower case, the body is decompressed.

    `retry_after_s` is how many seconds the upstream asked to wait, None where it did not ask.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    retry_after_s: float | None = None

    @property
    def is_success(self) -> bool:
        """Whether the status is one of 2xx (RFC 9110 §15.3)."""
        return event_of(self.status) is Event.SUCCEEDED


@dataclass(frozen=True, slots=True)
class Attempt:
    """The end of one attempt: an answer, or the name of what went wrong (`cause`), never the exception itself.

    The library's exceptions hold the request, and the request holds the key.
    """

    event: Event
    answer: Answer | None = None
    cause: str = ""

    @property
    def asked_s(self) -> float | None:
        """Seconds that the upstream asked to wait."""
        return None if self.answer is None else self.answer.retry_after_s

    @property
    def label(self) -> str:
        """The status, or the name of what went wrong; for logs."""
        return self.cause if self.answer is None else str(self.answer.status)


async def send_once(
    inner: httpx2.AsyncBaseTransport, request: httpx2.Request, *, within_s: float, body_bytes: int
) -> Attempt:
    """Send the request and read the answer whole, within so many seconds and decompressed bytes."""
    try:
        with anyio.fail_after(within_s):
            response = await inner.handle_async_request(request)
            return await _read(response, body_bytes)
    except TimeoutError:
        return Attempt(Event.TIMED_OUT, cause="TimeoutError")
    except Exception as error:  # noqa: BLE001  below are a library, TLS and sockets: whatever fails there is no answer
        return Attempt(_event_of_failure(error), cause=type(error).__name__)


async def _read(response: httpx2.Response, limit: int) -> Attempt:
    """Read the body; of a refusal only the status matters, so its body may be missing."""
    status, headers = response.status_code, dict(response.headers.items())
    event, body = event_of(status), b""
    try:
        raw = await _raw_body(response, limit)
    except TimeoutError:
        raise  # the attempt's own time is over
    except Exception:  # noqa: BLE001  as above
        problem: Event | None = Event.CUT
    else:
        body, problem = _decompressed(raw, headers.get("content-encoding", ""), limit)
    if problem is not None and event is Event.SUCCEEDED:
        return Attempt(problem, cause=f"{status}, {problem.name.lower()}")
    return Attempt(event, Answer(status, headers, body))


async def _raw_body(response: httpx2.Response, limit: int) -> bytes:
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


def _decompressed(raw: bytes, coding: str, limit: int) -> tuple[bytes, Event | None]:
    """The body, and the event that replaces a success where it cannot be used."""
    body = decompress(raw, coding.strip().lower(), limit)
    if body is None:
        return b"", Event.CUT if len(raw) <= limit else Event.OVERSIZED
    return (body, None) if len(body) <= limit else (b"", Event.OVERSIZED)


def _event_of_failure(error: Exception) -> Event:
    if isinstance(error, _NOTHING_SENT):
        return Event.UNTRUSTED if _is_about_trust(error) else Event.UNREACHED
    return Event.TIMED_OUT if isinstance(error, httpx2.TimeoutException) else Event.BROKEN


def _is_about_trust(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error is not None


def open_transport(origin: Origin) -> httpx2.AsyncBaseTransport:
    """Open a connection pool with the system's trust store or SSL_CERT_FILE, and the environment's proxy.

    A client that is given a transport ignores HTTPS_PROXY, so the proxy is chosen here. Raises OperatorError.
    """
    try:
        proxy = proxy_route_for(origin).proxy
        # Reading the system's certificates takes tens of milliseconds, and plain http needs none: an empty context
        # saves that time, and trusts nobody.
        plain = origin.scheme == "http" and proxy is None
        return httpx2.AsyncHTTPTransport(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain else True, proxy=proxy)
    except OSError:
        problem = "The certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read."
    except (ValueError, ImportError, httpx2.InvalidURL):
        problem = "The proxy that HTTPS_PROXY, HTTP_PROXY or ALL_PROXY names cannot be used."
    raise OperatorError(problem, next_step="Whoever runs Taskhand should correct that environment variable.")
