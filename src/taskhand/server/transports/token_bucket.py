"""A token bucket: limits an average rate, and the size of a burst."""

from dataclasses import dataclass

__all__ = ["TokenBucket"]


@dataclass(slots=True)
class TokenBucket:
    """Holds at most `capacity` tokens and gains `rate` tokens a second; `at` is the time of `tokens`, in seconds."""

    rate: float
    capacity: float
    tokens: float
    at: float

    @classmethod
    def full(cls, rate: float, capacity: float, now: float) -> "TokenBucket":
        """A full bucket."""
        return cls(rate, capacity, capacity, now)

    def take(self, now: float) -> float:
        """Take a token; returns 0, or the seconds until the next token if the bucket is empty."""
        self._fill(now)
        if self.tokens >= 1:
            self.tokens -= 1
            return 0.0
        return (1 - self.tokens) / self.rate

    def is_full(self, now: float) -> bool:
        """Whether the bucket is full."""
        self._fill(now)
        return self.tokens >= self.capacity

    def _fill(self, now: float) -> None:
        self.tokens = min(self.capacity, self.tokens + (now - self.at) * self.rate)
        self.at = now
