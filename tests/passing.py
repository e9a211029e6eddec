"""Time that passes only while somebody sleeps."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from anyio.lowlevel import checkpoint

from behaviour.arms import NOW

__all__ = ["Time"]


@dataclass
class Time:
    """Seconds that pass only while somebody sleeps; who sleeps at the same time as others wakes with them.

    `on_sleep` is what happens out there during the first sleep.
    """

    now: float = 1_000.0
    slept: list[float] = field(default_factory=list)
    on_sleep: Callable[[], Awaitable[object]] | None = None

    def clock(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.moment().timestamp()

    def moment(self) -> datetime:
        return NOW + timedelta(seconds=self.now - 1_000.0)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        until = self.now + seconds
        happens, self.on_sleep = self.on_sleep, None
        await (happens() if happens else checkpoint())
        self.now = max(self.now, until)
