"""Waits inside a call, limited by the time that the call has left."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import anyio

from taskhand.domain.deadline import acquire_in_time, time_left
from taskhand.domain.errors import RateLimited, UpstreamError
from taskhand.http.rate_headers import MAX_WAIT_S

__all__ = ["REPEAT_WAITS_S", "SEARCH_WAITS_S", "hold_lock", "sleep_if_time", "wait_to_repeat"]

REPEAT_WAITS_S: Final = (0.5, 1.0, 2.0, None)
"""Seconds before each repetition of a request that the CRM asked to wait with; None after the last one."""
SEARCH_WAITS_S: Final = (0.0, 2.0, 5.0)
"""Seconds before each search for lost creates; one search is enough if the CRM's lists do not lag."""


async def sleep_if_time(sleep: Callable[[float], Awaitable[object]], seconds: float) -> bool:
    """Sleep and return True; return False at once unless the call has time for twice as long."""
    if 2 * seconds > time_left():
        return False
    await sleep(seconds)
    return True


async def wait_to_repeat(
    throttled: RateLimited, wait_s: float | None, sleep: Callable[[float], Awaitable[object]]
) -> bool:
    """Wait before a throttled request is sent again; False if it is not to be sent again.

    `wait_s` is the wait if the CRM named none; None after the last repetition. If the CRM named a wait of up to
    `MAX_WAIT_S`, the rate limiter waits; after a longer one the request is not repeated.
    """
    if wait_s is None or (throttled.retry_after_s or 0.0) > MAX_WAIT_S:
        return False
    if throttled.retry_after_s is None:
        await sleep(wait_s)
    return True


@asynccontextmanager
async def hold_lock(lock: anyio.Lock) -> AsyncGenerator[None, None]:
    """Hold a lock for the body of the `with`; UpstreamError if another call holds it for all the time of this call."""
    if not await acquire_in_time(lock):
        raise UpstreamError(
            "Another call waited for the same response of the CRM until the time of this call ran out.",
            next_step="Send the same call again later.",
            retryable=True,
        )
    try:
        yield
    finally:
        lock.release()
