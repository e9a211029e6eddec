"""A clock that stands still: time passes only when it is told to, or while somebody waits."""

from datetime import datetime, timedelta

from anyio.lowlevel import checkpoint

__all__ = ["Clock"]

_AT_START_S = 1_000.0


class Clock:
    """The time of one run, for the server and for the CRM alike.

    A wait of the server (before it tries again, say) takes no time of the machine's: it moves this clock on at once.
    `slept` are those waits, in seconds. Who waits at the same time as others wakes with them.
    """

    def __init__(self, start: datetime) -> None:
        """`start` is an aware datetime."""
        self._start = start
        self._passed_s = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        """What it shows, aware."""
        return self._start + timedelta(seconds=self._passed_s)

    def advance(self, by: timedelta) -> datetime:
        """Let time pass; what it shows then."""
        self._passed_s += by.total_seconds()
        return self.now()

    def monotonic(self) -> float:
        """Seconds that only ever grow."""
        return _AT_START_S + self._passed_s

    def posix(self) -> float:
        """POSIX time."""
        return self.now().timestamp()

    async def sleep(self, seconds: float, /) -> None:
        """Let so many seconds pass, without waiting for them."""
        self.slept.append(seconds)
        until = self._passed_s + seconds
        await checkpoint()
        self._passed_s = max(self._passed_s, until)
