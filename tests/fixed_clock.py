"""A clock for tests."""

from datetime import UTC, datetime, timedelta

__all__ = ["NOW", "FixedClock"]

NOW = datetime(2026, 3, 4, 15, 30, tzinfo=UTC)


class FixedClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        """Let the time pass that these arguments of `timedelta` name."""
        self.now += timedelta(**by)
