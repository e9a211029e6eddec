"""A token bucket: so many a second on average, and so many at once."""

from dataclasses import dataclass

__all__ = ["TokenBucket"]


@dataclass(slots=True)
class TokenBucket:
    """Holds `most` tokens when it is full and gains `rate` a second; `at` is the time of `tokens`, in seconds."""

    rate: float
    most: float
    tokens: float
    at: float

    @classmethod
    def full(cls, rate: float, most: float, now: float) -> "TokenBucket":
        """One that nothing was taken from."""
        return cls(rate, most, most, now)

    def take(self, now: float) -> float:
        """Take a token; the seconds until there is one where there is none, else 0."""
        self._fill(now)
        if self.tokens >= 1:
            self.tokens -= 1
            return 0.0
        return (1 - self.tokens) / self.rate

    def is_full(self, now: float) -> bool:
        """Whether nothing is remembered of what was taken."""
        self._fill(now)
        return self.tokens >= self.most

    def _fill(self, now: float) -> None:
        self.tokens = min(self.most, self.tokens + (now - self.at) * self.rate)
        self.at = now
