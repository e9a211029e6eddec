"""What a backend says about its CRM, and what the outside passes in: values only, and secrets that hide themselves."""

import random
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio

from taskhand.domain.errors import OperatorError
from taskhand.http.rate_limiter import RateHeaders, parse_ietf_headers

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

    from taskhand.http.reply import Json

__all__ = ["Limits", "Runtime", "Upstream", "check_headers"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how large one call may become: seconds and bytes.

    `total_s` bounds a call with all its waits and retries; `body_bytes` bounds a body, unpacked.
    """

    connect_s: float = 5.0
    read_s: float = 30.0
    total_s: float = 60.0
    body_bytes: int = 10 * 2**20


@dataclass(frozen=True, slots=True)
class Upstream:
    """One CRM as configured.

    `name` is for sentences ("Close"); `auth` are the headers that carry the key and appear nowhere but on the wire;
    `credential` and `variable` name the environment variables of the key and of the base URL. `read_headers` reads
    the upstream's own rate headers (lower-case names), `read_wait` the seconds that the body of a 429 asks to wait;
    `explain` may turn a refusal (status, body) into a sentence of ours, such as the names of refused fields, never the
    upstream's text.
    """

    name: str
    base_url: str
    auth: Mapping[str, str] = field(repr=False)
    credential: str
    variable: str = "the base URL"
    headers: Mapping[str, str] = field(default_factory=dict)
    allow_http: bool = False
    read_headers: Callable[[Mapping[str, str]], RateHeaders | None] = parse_ietf_headers
    read_wait: "Callable[[Json], float | None] | None" = None
    explain: "Callable[[int, Json], str | None] | None" = None


def check_headers(upstream: Upstream) -> None:
    """Refuse a key that cannot be a header value (RFC 9110 §5.5: visible ASCII), without ever quoting it.

    Raises OperatorError. A library below would quote it in its exception.
    """
    if not all(map(_sendable, upstream.auth.values())):
        raise OperatorError(
            f"{upstream.credential} has spaces around it, line breaks or characters outside ASCII.",
            next_step=f"Set {upstream.credential} to the key exactly as {upstream.name} shows it.",
        )


def _sendable(value: str) -> bool:
    return value.isascii() and value.isprintable() and value == value.strip()


def _new_id() -> str:
    return uuid.uuid4().hex[:12]


@dataclass(frozen=True, slots=True)
class Runtime:
    """Time, chance and names, passed in.

    `clock` is monotonic and `wall` POSIX time, both in seconds; `sleep` takes seconds; `jitter` gives chance in
    [0, 1); `ids` makes the references that join an error to its log line; `tracer` defaults to the process's.
    """

    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[object]] = anyio.sleep
    jitter: Callable[[], float] = random.random
    ids: Callable[[], str] = _new_id
    tracer: "Tracer | None" = None
