"""The current usage of each caller, and the refusals of usage over the limits; pure."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from taskhand.server.transports.http_limits import HttpLimits
from taskhand.server.transports.limit_refusal import Refusal
from taskhand.server.transports.token_bucket import TokenBucket

__all__ = ["CallerLimits"]

_BURST_S: Final = 2.0
"""Seconds of the allowed rate that may come in one burst."""
_MINUTE_S: Final = 60.0
_NO_LIMIT_RATE: Final = 1e9
"""Requests a second that no client reaches: stands for no limit."""
_MAX_KEPT: Final = 1_000
"""Number of callers that are kept before the idle ones are dropped."""
_TOO_MANY: Final = 429

_T = TypeVar("_T")


class CallerLimits:
    """Counts the requests and streams of each caller, and the wrong keys from each address."""

    def __init__(self, limits: HttpLimits, monotonic: Callable[[], float]) -> None:
        self._limits = limits
        self._monotonic = monotonic
        rate = limits.requests_s or _NO_LIMIT_RATE
        burst = max(1.0, _BURST_S * rate)
        tries = limits.wrong_keys
        self._callers = _ByCaller(lambda now: _Usage(TokenBucket.full(rate, burst, now)), _Usage.is_idle)
        self._keys = _ByCaller(lambda now: TokenBucket.full(tries / _MINUTE_S, tries, now), TokenBucket.is_full)

    def refuse_rate(self, caller: str) -> Refusal | None:
        """Count a request that begins; a refusal if the caller sends too many a second."""
        if not self._limits.requests_s:
            return None
        now = self._monotonic()
        wait_s = self._callers.of(caller, now).requests.take(now)
        if not wait_s:
            return None
        rate = f"more than {self._limits.requests_s:g} requests a second of one caller"
        return _too_many("requests_a_second", rate, wait_s)

    def receive(self, caller: str, size: int, received: int) -> Refusal | None:
        """Count bytes of an incomplete body; a refusal if they are too many. `received` are the bytes before them."""
        use = self._callers.of(caller, self._monotonic())
        use.arriving_bytes += size
        if received + size <= self._limits.small_bytes or use.arriving_bytes <= self._limits.arriving_bytes:
            return None
        return _too_many("arriving_bytes", f"{use.arriving_bytes} bytes of one caller have not arrived whole", 1)

    def forget(self, caller: str, size: int) -> None:
        """Subtract bytes whose body has arrived whole, or will never do so."""
        if size:
            self._callers.of(caller, self._monotonic()).arriving_bytes -= size

    def begin(self, caller: str, *, is_stream: bool) -> Refusal | None:
        """Count a request that has arrived whole as open; a refused one is not counted."""
        limits, use = self._limits, self._callers.of(caller, self._monotonic())
        if is_stream and use.open_streams >= limits.open_streams:
            return _too_many("open_streams", f"one caller has {use.open_streams} streams open", 1)
        if not is_stream and use.open_requests >= limits.open_requests:
            return _too_many("open_requests", f"{use.open_requests} requests of one caller are under way", 1)
        use.open_streams += is_stream
        use.open_requests += not is_stream
        return None

    def end(self, caller: str, *, is_stream: bool) -> None:
        """Count the end of an open request."""
        use = self._callers.of(caller, self._monotonic())
        use.open_streams -= is_stream
        use.open_requests -= not is_stream

    def refuse_key(self, address: str) -> Refusal | None:
        """Count a wrong key; a refusal if there were too many from this address."""
        now = self._monotonic()
        wait_s = self._keys.of(address, now).take(now)
        exceeded = f"more than {self._limits.wrong_keys} wrong keys a minute from one address"
        return _too_many("wrong_keys", exceeded, wait_s) if wait_s else None


@dataclass(slots=True)
class _Usage:
    """The usage of one caller."""

    requests: TokenBucket
    open_requests: int = 0
    open_streams: int = 0
    arriving_bytes: int = 0

    def is_idle(self, now: float) -> bool:
        """Whether this usage has no effect on later requests."""
        is_used = self.open_requests or self.open_streams or self.arriving_bytes
        return not is_used and self.requests.is_full(now)


class _ByCaller(Generic[_T]):
    """A value for each caller, made by `make`; idle values are dropped when there are many."""

    def __init__(self, make: Callable[[float], _T], is_idle: Callable[[_T, float], bool]) -> None:
        self._make, self._is_idle = make, is_idle
        self._of: dict[str, _T] = {}
        self._next_cleanup = _MAX_KEPT

    def of(self, caller: str, now: float) -> _T:
        """The value of a caller."""
        usage = self._of.get(caller)
        if usage is None:
            if len(self._of) >= self._next_cleanup:
                self._of = {
                    known_caller: kept for known_caller, kept in self._of.items() if not self._is_idle(kept, now)
                }
                self._next_cleanup = max(_MAX_KEPT, 2 * len(self._of))
            usage = self._of[caller] = self._make(now)
        return usage


def _too_many(limit: str, reason: str, retry_after_s: float) -> Refusal:
    seconds = max(1, math.ceil(retry_after_s))
    return Refusal(_TOO_MANY, limit, f"Too many requests: {reason}. Try again in {seconds} s.", seconds)
