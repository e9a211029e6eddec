"""One CRM as configured, the limits of a call, and what requests run in: values whose `repr` hides secrets."""

import random
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio

from taskhand.domain.errors import Explanation, OperatorError
from taskhand.http.rate_headers import RateHeaders, parse_ietf_headers

if TYPE_CHECKING:
    import httpx2
    from opentelemetry.trace import Tracer

    from taskhand.call.observers import RequestObserver
    from taskhand.http.response_body import Json

__all__ = ["Limits", "Runtime", "Upstream", "check_headers"]


@dataclass(frozen=True, slots=True)
class Limits:
    """The longest time and the largest body of one request, in seconds and bytes.

    `total_s` limits a request outside of a call, with all its waits and retries; a call has its own deadline.
    `body_bytes` limits a decompressed body.
    """

    connect_s: float = 5.0
    read_s: float = 30.0
    total_s: float = 45.0
    body_bytes: int = 10 * 2**20


@dataclass(frozen=True, slots=True)
class Upstream:
    """One CRM as configured."""

    name: str
    """Its name in sentences ("Close")."""
    base_url: str
    auth: Mapping[str, str] = field(repr=False)
    """The headers that carry the key, which appears only on the wire."""
    credential_name: str
    """The environment variable of the key."""
    base_url_name: str = "the base URL"
    """The environment variable of the base URL."""
    is_own: bool = False
    """Whether the key is the calling person's own, and not the operator's."""
    read_headers: Callable[[Mapping[str, str]], RateHeaders | None] = parse_ietf_headers
    """Parses the upstream's own rate headers (lower-case names)."""
    read_wait: "Callable[[Json], float | None] | None" = None
    """The seconds that the body of a 429 asks to wait."""
    explain: "Callable[[int, Json], Explanation | None] | None" = None
    """Our own sentence for a refusal (status, body), with the refused arguments; it never quotes the upstream."""
    error_forms: tuple[frozenset[str], ...] = (frozenset(),)
    """An error body of the upstream is an object with all fields of one of these; by default any object."""

    def is_own_error(self, json: "Json") -> bool:
        """Whether the body of a refusal has the form of this upstream's errors."""
        return isinstance(json, dict) and any(form <= json.keys() for form in self.error_forms)


def check_headers(upstream: Upstream) -> None:
    """Refuse a key that cannot be a header value (RFC 9110 §5.5: visible ASCII), without quoting it.

    Raises OperatorError. The HTTP library would quote the key in its exception.
    """
    if not all(map(_is_header_value, upstream.auth.values())):
        raise OperatorError(
            f"{upstream.credential_name} has spaces around it, line breaks or characters outside ASCII.",
            next_step=f"Set {upstream.credential_name} to the key exactly as {upstream.name} shows it.",
        )


def _is_header_value(value: str) -> bool:
    return value.isascii() and value.isprintable() and value == value.strip()


def _new_id() -> str:
    return uuid.uuid4().hex[:12]


@dataclass(frozen=True, slots=True)
class Runtime:
    """The clock, the random numbers, the ids, the limits and the connections of requests, passed in.

    `monotonic` and `wall` (POSIX time) return seconds; `sleep` takes seconds; `jitter` returns a random number
    in [0, 1); `new_reference` makes the id that an error shares with its log line; `tracer` defaults to the process's.
    `observer` gets every request. `transport` replaces real connections, below retry and rate limit, and is not closed.
    """

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[object]] = anyio.sleep
    jitter: Callable[[], float] = random.random
    new_reference: Callable[[], str] = _new_id
    tracer: "Tracer | None" = None
    observer: "RequestObserver | None" = None
    limits: Limits = Limits()
    transport: "httpx2.AsyncBaseTransport | None" = None
