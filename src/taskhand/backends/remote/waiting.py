"""Waits inside a call: none of them lasts longer than the call may."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import anyio

from taskhand.domain.deadline import acquire_in_time, time_left
from taskhand.domain.errors import RateLimited, UpstreamError

__all__ = ["REPEAT_WAITS_S", "SEARCH_WAITS_S", "hold_lock", "sleep_if_time", "wait_to_repeat"]

REPEAT_WAITS_S: Final = (0.5, 1.0, 2.0, None)
"""Seconds before what the CRM asked to wait with is sent again; None after the last time."""
SEARCH_WAITS_S: Final = (0.0, 2.0, 5.0)
"""Seconds before each search for what was lost, of which one is enough where the CRM's lists do not lag."""
_LONGEST_WAIT_S: Final = 30.0


async def sleep_if_time(sleep: Callable[[float], Awaitable[object]], seconds: float) -> bool:
    """Sleep; False at once where the call would have no time left for as much again afterwards."""
    if 2 * seconds > time_left():
        return False
    await sleep(seconds)
    return True


async def wait_to_repeat(
    throttled: RateLimited, wait_s: float | None, sleep: Callable[[float], Awaitable[object]]
) -> bool:
    """Wait before what the CRM asked to wait with is sent again; False where it is not sent again.

    `wait_s` is how long where the CRM has not said it, None after the last repetition. The rate limiter waits for as
    long as the CRM has named, up to half a minute: a longer wait is told at once.
    """
    if wait_s is None or (throttled.retry_after_s or 0.0) > _LONGEST_WAIT_S:
        return False
    if throttled.retry_after_s is None:
        await sleep(wait_s)
    return True


@asynccontextmanager
async def hold_lock(lock: anyio.Lock) -> AsyncGenerator[None, None]:
    """Hold a lock for the body of the `with`; UpstreamError where another call holds it for all of this one's time."""
    if not await acquire_in_time(lock):
        raise UpstreamError(
            "Another call waited for the same answer of the CRM until this one's time ran out.",
            next_step="Send the same call again later.",
            retryable=True,
        )
    try:
        yield
    finally:
        lock.release()
