"""Monotonic clocks of the tests, which a test sets by hand."""

from dataclasses import dataclass

__all__ = ["TickingClock", "UptimeClock"]


@dataclass
class TickingClock:
    """A clock that stands until it is set; each reading is a little later than the one before."""

    now: float = 100.0

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


class UptimeClock:
    """A clock that goes on while its process is paused."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds
