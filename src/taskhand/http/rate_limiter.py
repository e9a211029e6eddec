"""The rate limiter: pure arithmetic on a state, and a queue that obeys it.

The limit in the upstream's headers applies while it is valid, otherwise the configured rate: at most `requests` in any
window of `per_s` seconds, whenever the window begins. A token bucket would let twice that through after a quiet time.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import anyio

from taskhand.call.background_requests import idle_wait_s, is_idle
from taskhand.domain.errors import RateLimited
from taskhand.http.rate_headers import MAX_WAIT_S, RateHeaders

__all__ = [
    "IDLE_PAUSE_S",
    "Headroom",
    "Limiter",
    "Rate",
    "RateLimiter",
    "RateState",
    "headroom",
    "idle_at",
    "looks_now",
    "ready_at",
    "too_late_error",
    "with_headers",
    "with_pause",
    "with_request",
    "without_pauses",
]

_MAX_PAUSE_S: Final = 60.0
"""The longest wait that one response imposes on all requests.

A response may be wrong: if it asks for a wait of a day, or of thirty years, another request is sent after a minute.
"""

_MAX_REPORTED_REST_S: Final = 900.0
"""The longest rest of a window that an error reports as the wait."""

IDLE_PAUSE_S: Final = 0.1
"""Seconds after which a background request checks again whether it may be sent, and whether others wait."""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `requests` in any `per_s` seconds."""

    requests: int = 10
    per_s: float = 1.0


class RateState(NamedTuple):
    """The latest requests and the upstream's limit; all times are readings of one clock, in seconds.

    `sent` are the times of the latest requests, oldest first. `allowance` requests are left before `until`, None if
    the upstream named no limit; the full number is `limit`, None if unknown. No request leaves before
    `paused_until`. `reset_at` is the upstream's own time for `until`, which is reported to
    callers; requests are delayed for a shorter time.
    """

    sent: tuple[float, ...] = ()
    allowance: int | None = None
    until: float = 0.0
    paused_until: float = 0.0
    reset_at: float = 0.0
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Headroom:
    """The rest of the budget: `left` requests in the next `for_s` seconds, None if the upstream named no limit.

    `rate` is the configured rate; `paused_s` is the number of seconds for which every request is delayed.
    `ready` is the number of requests that may be sent now.
    """

    rate: Rate
    left: int | None = None
    for_s: float = 0.0
    paused_s: float = 0.0
    ready: int = 0


def headroom(rate: Rate, state: RateState, now: float) -> Headroom:
    """The rest of the budget at `now`."""
    paused_s = max(0.0, state.paused_until - now)
    if state.allowance is None or now >= state.until:
        lately = sum(1 for at in state.sent if now - at < rate.per_s)
        return Headroom(rate, paused_s=paused_s, ready=0 if paused_s else rate.requests - lately)
    return Headroom(rate, state.allowance, state.until - now, paused_s, 0 if paused_s else state.allowance)


def ready_at(rate: Rate, state: RateState, now: float) -> float:
    """The time at which the next request may leave: `now`, or later."""
    earliest = max(now, state.paused_until)
    if state.allowance is not None and earliest < state.until:
        return earliest if state.allowance > 0 else state.until
    if len(state.sent) < rate.requests:
        return earliest
    return max(earliest, state.sent[-rate.requests] + rate.per_s)


def idle_at(rate: Rate, state: RateState, now: float) -> float:
    """The time at which a background request may be sent: with it, at most half of the budget is used.

    A budget of one request is used completely.
    """
    earliest = max(now, state.paused_until)
    if state.allowance is not None and earliest < state.until:
        limit = state.limit or rate.requests
        return earliest if limit <= max(2 * (state.allowance - 1), min(1, state.allowance)) else state.until
    half = max(1, rate.requests // 2)
    if len(state.sent) < half:
        return earliest
    return max(earliest, state.sent[-half] + rate.per_s)


def with_request(rate: Rate, state: RateState, now: float) -> RateState:
    """The state after one more request."""
    left = None if state.allowance is None else max(0, state.allowance - 1)
    return state._replace(sent=(*state.sent, now)[-rate.requests :], allowance=left)


def with_headers(state: RateState, headers: RateHeaders, now: float, *, in_flight: int = 0) -> RateState:
    """The state after a response with these headers; the upstream may not have counted `in_flight` other requests yet.

    Responses overtake each other: within one window, the smaller number is the newer one.
    """
    left = max(0, headers.remaining - in_flight)
    reset_s = max(0.0, headers.reset_s)
    until = now + min(reset_s, _MAX_PAUSE_S)
    if state.allowance is not None and now < state.until and until <= state.until + 1.0:
        return state._replace(allowance=min(left, state.allowance))
    limit = headers.rolling_limit or headers.limit
    return state._replace(allowance=left, until=until, reset_at=now + min(reset_s, _MAX_REPORTED_REST_S), limit=limit)


def with_pause(state: RateState, for_s: float, now: float) -> RateState:
    """The state in which every request waits for `for_s` seconds, at most a minute; a pause is never shortened."""
    return state._replace(paused_until=max(state.paused_until, now + min(for_s, _MAX_PAUSE_S)))


_LOOKS_NOW: Final = ContextVar("looks_now", default=False)


@contextmanager
def without_pauses(*, when: bool = True) -> Generator[None, None, None]:
    """Send the requests in the `with` at once, even while an upstream asks to wait or its window is used up.

    With `when` False they wait as others do. Only for the read that checks whether a write was applied although the
    upstream asked to wait.
    """
    token = _LOOKS_NOW.set(when or _LOOKS_NOW.get())
    try:
        yield
    finally:
        _LOOKS_NOW.reset(token)


def looks_now() -> bool:
    """Whether this request is sent at once (`without_pauses`)."""
    return _LOOKS_NOW.get()


class Limiter(Protocol):
    """A queue in front of one upstream."""

    def turn(self, deadline: float) -> AbstractAsyncContextManager[None]:
        """Wait for a turn, and hold an in-flight slot for the body of the `with`.

        Raises RateLimited if the turn would not come before the deadline (a reading of the clock). A background
        request (`idle_share`) gets its turn only while others leave half of the budget unused.
        """
        ...

    def pause(self, for_s: float) -> None:
        """Hold every request back for so many seconds."""
        ...

    def headroom(self) -> Headroom:
        """The headroom from now on."""
        ...

    def observe(self, headers: RateHeaders) -> None:
        """Take note of an answer's headers; call it inside the turn that got the answer."""
        ...


class RateLimiter:
    """A first-in, first-out queue in front of one upstream, shared by all users of the same key.

    At most `in_flight` requests are concurrent. `monotonic` returns seconds, `sleep` takes seconds.
    """

    def __init__(
        self,
        rate: Rate | None = None,
        in_flight: int = 8,
        *,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]],
    ) -> None:
        self._rate = rate or Rate()
        self._monotonic = monotonic
        self._sleep = sleep
        self._state = RateState()
        self._in_flight = 0
        self._slots = anyio.Semaphore(in_flight)
        self._queue_head = anyio.Lock()

    @asynccontextmanager
    async def turn(self, deadline: float) -> AsyncGenerator[None, None]:
        """Wait for a turn, and hold an in-flight slot for the body of the `with`.

        Raises RateLimited if the turn would not come before the deadline (a reading of the clock); then the request is
        not counted. `retry_after_s` is set only if the upstream asked to wait.
        """
        if is_idle():
            await self._wait_until_idle(deadline)
        await self._take_slot(deadline)
        try:
            await self._wait_for_rate(deadline)
            self._in_flight += 1
            try:
                yield
            finally:
                self._in_flight -= 1
        finally:
            self._slots.release()

    def pause(self, for_s: float) -> None:
        """Hold every request back for so many seconds."""
        self._state = with_pause(self._state, for_s, self._monotonic())

    def headroom(self) -> Headroom:
        """The headroom from now on."""
        return headroom(self._rate, self._state, self._monotonic())

    def observe(self, headers: RateHeaders) -> None:
        """Take note of an answer's headers; call it inside the turn that got the answer."""
        self._state = with_headers(self._state, headers, self._monotonic(), in_flight=max(0, self._in_flight - 1))

    async def _wait_until_idle(self, deadline: float) -> None:
        """Hold a background request back outside of the queue, until it may be sent or becomes an ordinary request."""
        deadline = min(deadline, self._monotonic() + idle_wait_s())
        while is_idle():
            now = self._monotonic()
            wait_s = idle_at(self._rate, self._state, now) - now
            is_busy = self._queue_head.locked() or self._slots.value == 0
            if wait_s <= 0 and not is_busy:
                return
            if now + max(wait_s, IDLE_PAUSE_S) > deadline:
                raise too_late_error(None)
            await self._sleep(IDLE_PAUSE_S if is_busy else min(wait_s, IDLE_PAUSE_S))

    async def _take_slot(self, deadline: float) -> None:
        if self._slots.value > 0:
            self._slots.acquire_nowait()  # the usual case, without the cost of a scope
            return
        with anyio.move_on_after(deadline - self._monotonic()):
            await self._slots.acquire()
            return
        raise too_late_error(None)

    async def _wait_for_rate(self, deadline: float) -> None:
        """Wait for the head of the queue, then for the rate: only the request at the head waits for the rate."""
        now = self._monotonic()
        is_ready = not self._queue_head.locked() and ready_at(self._rate, self._state, now) <= now
        if (is_ready or _LOOKS_NOW.get()) and now < deadline:
            self._state = with_request(self._rate, self._state, now)  # the usual case, as above
            return
        with anyio.move_on_after(deadline - now):
            async with self._queue_head:
                await self._sleep_until_ready(deadline)
                self._state = with_request(self._rate, self._state, self._monotonic())
                return
        raise too_late_error(None)

    async def _sleep_until_ready(self, deadline: float) -> None:
        """Check the time again after each sleep: a pause or a response may have moved it."""
        while (at := ready_at(self._rate, self._state, self._monotonic())) > (now := self._monotonic()):
            if at > deadline or at - now > MAX_WAIT_S:
                is_asked = at in {self._state.until, self._state.paused_until}
                raise too_late_error(
                    (self._state.reset_at if at == self._state.until else at) - now if is_asked else None
                )
            await self._sleep(at - now)


def too_late_error(wait_s: float | None) -> RateLimited:
    """The error for a request whose turn does not come in time; `wait_s` is the wait that the upstream asked for."""
    return RateLimited(
        "The rate limit would have held the request back for longer than a call may take; nothing was sent.",
        next_step="Wait, then send the same call again.",
        retry_after_s=wait_s,
    )
