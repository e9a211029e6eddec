"""The rate limits: https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines."""

from __future__ import annotations

import datetime as dt
from collections import deque
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from taskhand.sandbox.hubspot.errors import rate_limited

if TYPE_CHECKING:
    from taskhand.sandbox.hubspot.spec_variant import SpecVariant

ZONE = ZoneInfo("America/Santiago")  # of the demo account; the daily limit resets at its midnight
BURST, SECOND = dt.timedelta(seconds=10), dt.timedelta(seconds=1)
WAITS = {"TEN_SECONDLY_ROLLING": "10", "SECONDLY": "1", "DAILY": "3600"}


class RateLimits:
    """Counts admitted requests; refused ones do not count."""

    def __init__(self) -> None:
        self._calls: deque[dt.datetime] = deque()
        self._searches: deque[dt.datetime] = deque()
        self._day: dt.date | None = None
        self.used = 0

    def admit(self, now: dt.datetime, spec_variant: SpecVariant, *, is_search: bool) -> None:
        """Count a request or raise a 429; a search does not count against the ten seconds."""
        today = now.astimezone(ZONE).date()
        if today != self._day:
            self._day, self.used = today, 0
        if spec_variant.app == "private" and 0 < spec_variant.daily <= self.used:
            raise rate_limited("DAILY")
        if is_search:
            _count(self._searches, now, SECOND, spec_variant.searches, "SECONDLY")
        else:
            _count(self._calls, now, BURST, spec_variant.burst, "TEN_SECONDLY_ROLLING")
        self.used += 1

    def headers(self, now: dt.datetime, spec_variant: SpecVariant) -> tuple[tuple[str, str], ...]:
        """Return the headers with the remaining requests, which all responses but those to searches have."""
        last_second = sum(1 for moment in self._calls if now - moment < SECOND)
        secondly = spec_variant.burst // 10
        figures = {
            "max": spec_variant.burst,
            "remaining": spec_variant.burst - len(self._calls),
            "interval-milliseconds": 10_000,
            "secondly": secondly,
            "secondly-remaining": secondly - last_second,
        }
        daily = {"daily": spec_variant.daily, "daily-remaining": spec_variant.daily - self.used}
        sent = (figures if spec_variant.burst else {}) | (
            daily if spec_variant.app == "private" and spec_variant.daily else {}
        )
        return tuple((f"x-hubspot-ratelimit-{name}", str(max(0, figure))) for name, figure in sent.items())


def _count(taken: deque[dt.datetime], now: dt.datetime, window: dt.timedelta, limit: int, policy: str) -> None:
    while taken and now - taken[0] >= window:
        taken.popleft()
    if 0 < limit <= len(taken):
        raise rate_limited(policy)
    taken.append(now)
