"""How fast requests may leave: pure arithmetic on a ledger, and a queue that keeps to it.

What the upstream says about its own limit counts while it is valid; otherwise the configured rate does: at most
`requests` in any window of `per_s` seconds, wherever the window begins. A token bucket would let twice that through
around a quiet spell.
"""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

import anyio

from taskhand.domain.errors import RateLimited

__all__ = [
    "Budget",
    "Headroom",
    "Ledger",
    "Observed",
    "Rate",
    "headroom",
    "ietf_headers",
    "observed",
    "paused",
    "ready_at",
    "spent",
]

_LONGEST_PAUSE_S: Final = 900.0  # an upstream that asks for a day is asked again, once, every quarter of an hour


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `requests` in any `per_s` seconds."""

    requests: int = 10
    per_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Observed:
    """What an answer's headers say: `remaining` requests until the window ends, `reset_s` seconds from now."""

    remaining: int
    reset_s: float


@dataclass(frozen=True, slots=True)
class Ledger:
    """What was spent and what was learned; all times are readings of one clock, in seconds.

    `sent` are the latest sendings, oldest first. `allowance` requests are left before `until`, if the upstream said
    so (`None` otherwise). Nothing leaves before `paused_until`.
    """

    sent: tuple[float, ...] = ()
    allowance: int | None = None
    until: float = 0.0
    paused_until: float = 0.0


@dataclass(frozen=True, slots=True)
class Headroom:
    """What may still be sent: `left` requests in the next `for_s` seconds, where the upstream has said so.

    `rate` is the configured one; `paused_s` how long everything is held back, 0 for not at all.
    """

    rate: Rate
    left: int | None = None
    for_s: float = 0.0
    paused_s: float = 0.0


def headroom(rate: Rate, ledger: Ledger, now: float) -> Headroom:
    """What the ledger says of the time after `now`."""
    paused_s = max(0.0, ledger.paused_until - now)
    if ledger.allowance is None or now >= ledger.until:
        return Headroom(rate, paused_s=paused_s)
    return Headroom(rate, ledger.allowance, ledger.until - now, paused_s)


def ready_at(rate: Rate, ledger: Ledger, now: float) -> float:
    """Say when the next request may leave: `now`, or later."""
    earliest = max(now, ledger.paused_until)
    if ledger.allowance is not None and earliest < ledger.until:
        return earliest if ledger.allowance > 0 else ledger.until
    if len(ledger.sent) < rate.requests:
        return earliest
    return max(earliest, ledger.sent[-rate.requests] + rate.per_s)


def spent(rate: Rate, ledger: Ledger, now: float) -> Ledger:
    """Enter one sending."""
    left = None if ledger.allowance is None else max(0, ledger.allowance - 1)
    return replace(ledger, sent=(*ledger.sent, now)[-rate.requests :], allowance=left)


def observed(ledger: Ledger, seen: Observed, now: float, *, in_flight: int = 0) -> Ledger:
    """Enter what an answer said; `in_flight` others may not have been counted by the upstream yet.

    Answers overtake each other: within one window the smaller number is the newer one.
    """
    left = max(0, seen.remaining - in_flight)
    until = now + min(max(0.0, seen.reset_s), _LONGEST_PAUSE_S)
    if ledger.allowance is not None and now < ledger.until and until <= ledger.until + 1.0:
        return replace(ledger, allowance=min(left, ledger.allowance))
    return replace(ledger, allowance=left, until=until)


def paused(ledger: Ledger, for_s: float, now: float) -> Ledger:
    """Hold everything back for so many seconds, at most a quarter of an hour; never shortens a pause."""
    return replace(ledger, paused_until=max(ledger.paused_until, now + min(for_s, _LONGEST_PAUSE_S)))


_PAIR: Final = re.compile(r"[a-z]+=(\d{1,9}(?:\.\d{1,9})?)")


def ietf_headers(headers: Mapping[str, str]) -> Observed | None:
    """Read `RateLimit: limit=100, remaining=50, reset=5`, or its newer form `"default";r=50;t=5`.

    draft-ietf-httpapi-ratelimit-headers, versions 07 and 08 on; Close sends the former, with a decimal `reset`.
    """
    value = headers.get("ratelimit", "").lower()
    pairs = {pair[0].split("=")[0]: pair[1] for pair in _PAIR.finditer(value)}
    remaining, reset = pairs.get("remaining", pairs.get("r")), pairs.get("reset", pairs.get("t"))
    if remaining is None or reset is None:
        return None
    return Observed(remaining=int(float(remaining)), reset_s=float(reset))


class Budget:
    """The queue in front of one upstream: first come, first sent; share one among all that use the same key."""

    def __init__(
        self,
        rate: Rate | None = None,
        in_flight: int = 8,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]],
    ) -> None:
        self._rate = rate or Rate()
        self._clock = clock
        self._sleep = sleep
        self._ledger = Ledger()
        self._flying = 0
        self._seats = anyio.Semaphore(in_flight)
        self._head = anyio.Lock()

    @asynccontextmanager
    async def turn(self, deadline: float) -> AsyncGenerator[None, None]:
        """Wait for a turn, and hold one of the in-flight places for the body of the `with`.

        Raises RateLimited when the turn would not come before the deadline (a reading of the clock); then nothing
        was spent.
        """
        await self._take_seat(deadline)
        try:
            await self._wait_for_rate(deadline)
            self._flying += 1
            try:
                yield
            finally:
                self._flying -= 1
        finally:
            self._seats.release()

    def pause(self, for_s: float) -> None:
        """Hold everyone back for so many seconds."""
        self._ledger = paused(self._ledger, for_s, self._clock())

    def headroom(self) -> Headroom:
        """What may be sent from now on."""
        return headroom(self._rate, self._ledger, self._clock())

    def observe(self, seen: Observed) -> None:
        """Take note of what an answer's headers said; call it inside the turn that got the answer."""
        self._ledger = observed(self._ledger, seen, self._clock(), in_flight=max(0, self._flying - 1))

    async def _take_seat(self, deadline: float) -> None:
        with anyio.move_on_after(deadline - self._clock()):
            await self._seats.acquire()
            return
        raise _too_late(None)

    async def _wait_for_rate(self, deadline: float) -> None:
        """Only the head of the queue waits for the rate: those behind it wait for the head."""
        with anyio.move_on_after(deadline - self._clock()):
            async with self._head:
                await self._sleep_until_ready(deadline)
                self._ledger = spent(self._rate, self._ledger, self._clock())
                return
        raise _too_late(None)

    async def _sleep_until_ready(self, deadline: float) -> None:
        """Look again after each sleep: a pause or an answer may have moved the moment meanwhile."""
        while (at := ready_at(self._rate, self._ledger, self._clock())) > (now := self._clock()):
            if at > deadline:
                raise _too_late(at - now)
            await self._sleep(at - now)


def _too_late(wait_s: float | None) -> RateLimited:
    return RateLimited(
        "The request would have waited longer for its turn than a call may take; nothing was sent.",
        next_step="Wait, then send the same call again.",
        retry_after_s=wait_s,
    )
