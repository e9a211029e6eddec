"""The waits before a request is sent again, limited by the time that the call has left."""

from collections.abc import Awaitable, Callable
from typing import Final

from taskhand.call.deadline import time_left
from taskhand.domain.errors import RateLimited
from taskhand.http.rate_headers import MAX_WAIT_S

__all__ = ["REPEAT_WAITS_S", "SEARCH_WAITS_S", "sleep_if_time", "wait_to_repeat"]

REPEAT_WAITS_S: Final = (0.5, 1.0, 2.0)
"""Seconds before each repetition of a request that the CRM asked to wait with."""
SEARCH_WAITS_S: Final = (0.0, 2.0, 5.0)
"""Seconds before each search for lost creates, and from the second on before a written task is read again."""


async def sleep_if_time(sleep: Callable[[float], Awaitable[object]], seconds: float) -> bool:
    """Sleep and return True; return False at once unless the call has time for twice as long."""
    if 2 * seconds > time_left():
        return False
    await sleep(seconds)
    return True


async def wait_to_repeat(throttled: RateLimited, wait_s: float, sleep: Callable[[float], Awaitable[object]]) -> bool:
    """Wait before a throttled request is sent again; False if it is not to be sent again.

    `wait_s` is the wait if the CRM named none. If it named one of up to `MAX_WAIT_S`, the rate limiter waits; after a
    longer one the request is not repeated.
    """
    if (throttled.retry_after_s or 0.0) > MAX_WAIT_S:
        return False
    if throttled.retry_after_s is None:
        await sleep(wait_s)
    return True
