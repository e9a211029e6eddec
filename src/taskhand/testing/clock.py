"""A clock that stands still: time passes only by `advance`, or while code sleeps."""

from datetime import datetime, timedelta

from anyio.lowlevel import checkpoint

__all__ = ["Clock"]

_AT_START_S = 1_000.0


class Clock:
    """The time of one run, for the server and for the CRM alike.

    A sleep of the server, for example before a retry, takes no real time: it moves this clock forward at once. `slept`
    holds the sleeps in seconds. Concurrent sleeps overlap.
    """

    def __init__(self, start: datetime) -> None:
        """`start` is an aware datetime."""
        self._start = start
        self._passed_s = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        """The current time, aware."""
        return self._start + timedelta(seconds=self._passed_s)

    def advance(self, by: timedelta) -> datetime:
        """Move the clock forward; return the new time."""
        self._passed_s += by.total_seconds()
        return self.now()

    def monotonic(self) -> float:
        """Monotonic time in seconds."""
        return _AT_START_S + self._passed_s

    def posix(self) -> float:
        """POSIX time."""
        return self.now().timestamp()

    async def sleep(self, seconds: float, /) -> None:
        """Move the clock forward by some seconds, without a real wait."""
        self.slept.append(seconds)
        until = self._passed_s + seconds
        await checkpoint()
        self._passed_s = max(self._passed_s, until)
