"""One attempt to send a request: its whole response, or the name of its failure; and the connection underneath."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import anyio
import httpx2

from taskhand.domain.errors import OperatorError
from taskhand.http.certificates import trust_environment
from taskhand.http.connection_pool import PooledTransport
from taskhand.http.origin import Origin
from taskhand.http.proxy import proxy_route_for
from taskhand.http.response_body import decompress
from taskhand.http.retry import AttemptEnd, event_of

__all__ = ["Attempt", "WholeResponse", "open_transport", "send_once"]

_NOTHING_SENT: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)


@dataclass(frozen=True, slots=True)
class WholeResponse:
    """A response that was read whole: header names are in lower case, the body is decompressed.

    `retry_after_s` is how many seconds the upstream asked to wait, None if it did not ask.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    retry_after_s: float | None = None

    @property
    def is_success(self) -> bool:
        """Whether the status is one of 2xx (RFC 9110 §15.3)."""
        return event_of(self.status) is AttemptEnd.SUCCEEDED


@dataclass(frozen=True, slots=True)
class Attempt:
    """The end of one attempt: a response, or the name of the failure (`cause`), but not the exception.

    The library's exceptions hold the request, and the request holds the key. `code` is the proxy's status if a
    proxy refused, and OpenSSL's verify code if the certificate was not accepted.
    """

    event: AttemptEnd
    answer: WholeResponse | None = None
    cause: str = ""
    code: int | None = None

    @property
    def asked_s(self) -> float | None:
        """Seconds that the upstream asked to wait."""
        return None if self.answer is None else self.answer.retry_after_s

    @property
    def status(self) -> int | None:
        """The HTTP status, if there is an answer."""
        return None if self.answer is None else self.answer.status

    @property
    def label(self) -> str:
        """The status, or the name of the failure; for logs."""
        return self.cause if self.answer is None else str(self.answer.status)


async def send_once(
    inner: httpx2.AsyncBaseTransport, request: httpx2.Request, *, within_s: float, body_bytes: int
) -> Attempt:
    """Send the request and read the whole response, within `within_s` seconds and `body_bytes` decompressed bytes."""
    try:
        with anyio.fail_after(within_s):
            response = await inner.handle_async_request(request)
            return await _read(response, body_bytes)
    except TimeoutError:
        return Attempt(AttemptEnd.TIMED_OUT, cause="TimeoutError")
    except Exception as error:  # noqa: BLE001  any failure of the library, of TLS or of a socket means: no response
        event, code = _classify(error)
        return Attempt(event, cause=type(error).__name__, code=code)


async def _read(response: httpx2.Response, limit: int) -> Attempt:
    """Read the body; a refusal may lack it, because only its status matters."""
    status, headers = response.status_code, dict(response.headers.items())
    event, body = event_of(status), b""
    try:
        raw = await _raw_body(response, limit)
    except TimeoutError:
        raise  # the attempt timed out
    except Exception:  # noqa: BLE001  as above
        problem: AttemptEnd | None = AttemptEnd.CUT
    else:
        body, problem = _decompress(raw, headers.get("content-encoding", ""), limit)
    if problem is not None and event is AttemptEnd.SUCCEEDED:
        return Attempt(problem, cause=f"{status}, {problem.name.lower()}")
    return Attempt(event, WholeResponse(status, headers, body))


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


def _decompress(raw: bytes, coding: str, limit: int) -> tuple[bytes, AttemptEnd | None]:
    """The decompressed body, and None; or an empty body, and the event by which a success counts as a failure."""
    body = decompress(raw, coding.strip().lower(), limit)
    if body is None:
        return b"", AttemptEnd.CUT if len(raw) <= limit else AttemptEnd.OVERSIZED
    return (body, None) if len(body) <= limit else (b"", AttemptEnd.OVERSIZED)


def _classify(error: Exception) -> tuple[AttemptEnd, int | None]:
    """The event of a failure, with the proxy's status or OpenSSL's verify code."""
    if isinstance(error, httpx2.ProxyError):
        status = _status_of(error)
        is_refusal = status is not None and event_of(status) is AttemptEnd.REFUSED
        return (AttemptEnd.PROXY_REFUSED if is_refusal else AttemptEnd.UNREACHED), status
    if isinstance(error, _NOTHING_SENT):
        distrust = _find_distrust(error)
        if distrust is None:
            return AttemptEnd.UNREACHED, None
        return AttemptEnd.UNTRUSTED, getattr(distrust, "verify_code", None)  # only OpenSSL sets it
    return (AttemptEnd.TIMED_OUT if isinstance(error, httpx2.TimeoutException) else AttemptEnd.BROKEN), None


def _status_of(error: httpx2.ProxyError) -> int | None:
    """The status with which a proxy refused to connect; the library's text begins with it."""
    digits = str(error).partition(" ")[0]
    return int(digits) if digits.isascii() and digits.isdigit() else None


def _find_distrust(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error


def open_transport(origin: Origin) -> httpx2.AsyncBaseTransport:
    """Open a connection pool with the system's trust store and SSL_CERT_FILE, and the environment's proxy.

    A client that is given a transport ignores HTTPS_PROXY, so the proxy is chosen here. Raises OperatorError.
    """
    try:
        if origin.scheme == "http":  # this machine, without a proxy; an empty context trusts no certificate
            # Reading the system's certificates takes tens of milliseconds.
            return PooledTransport(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        context = httpx2.create_ssl_context(trust_env=False)
        trust_environment(context)
        return PooledTransport(context, proxy_route_for(origin).checked_proxy())
    except (ValueError, ImportError, httpx2.InvalidURL):
        raise OperatorError(
            "The proxy that HTTPS_PROXY or ALL_PROXY names cannot be used.",
            next_step="The operator of Taskhand should correct that environment variable.",
        ) from None
