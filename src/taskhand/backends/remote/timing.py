"""The clocks of an adapter, and waits that are limited by the time that the call has left."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from taskhand.call.deadline import time_left

__all__ = ["SEARCH_WAITS_S", "Timing"]

SEARCH_WAITS_S: Final = (0.0, 2.0, 5.0)
"""Seconds before each search for lost creates, and from the second on before a written task is read again."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The clocks of an adapter: `clock` returns an aware datetime, `monotonic` seconds; `sleep` takes seconds."""

    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    sleep: Callable[[float], Awaitable[object]]

    async def sleep_if_time(self, seconds: float) -> bool:
        """Sleep and return True; return False at once unless the call has time for twice as long."""
        if 2 * seconds > time_left():
            return False
        await self.sleep(seconds)
        return True
