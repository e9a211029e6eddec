"""Waits inside a call: none of them lasts longer than the call may."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio

from taskhand.domain.deadline import acquire_in_time, time_left
from taskhand.domain.errors import UpstreamError

__all__ = ["hold_lock", "sleep_if_time"]


async def sleep_if_time(sleep: Callable[[float], Awaitable[object]], seconds: float) -> bool:
    """Sleep; False at once where the call would have no time left for as much again afterwards."""
    if 2 * seconds > time_left():
        return False
    await sleep(seconds)
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
