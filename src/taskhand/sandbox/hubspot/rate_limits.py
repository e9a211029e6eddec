"""The rate limits: ten seconds, the day, and searches in a second."""

from __future__ import annotations

import datetime as dt
from collections import deque
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from taskhand.sandbox.hubspot.errors import rate_limited

if TYPE_CHECKING:
    from taskhand.sandbox.hubspot.spec_variant import SpecVariant

ZONE = ZoneInfo("America/Santiago")  # the demo account's; §9 DOC: the day ends at its midnight
BURST, SECOND = dt.timedelta(seconds=10), dt.timedelta(seconds=1)
WAITS = {"TEN_SECONDLY_ROLLING": "10", "SECONDLY": "1", "DAILY": "3600"}


class Limits:
    """Counts what was let through; what was refused counts for nothing here."""

    def __init__(self) -> None:
        self._calls: deque[dt.datetime] = deque()
        self._searches: deque[dt.datetime] = deque()
        self._day: dt.date | None = None
        self.used = 0

    def admit(self, now: dt.datetime, spec_variant: SpecVariant, *, is_search: bool) -> None:
        """Let a call through or refuse it; a search is exempt from the ten seconds."""
        today = now.astimezone(ZONE).date()
        if today != self._day:
            self._day, self.used = today, 0
        if spec_variant.app == "private" and 0 < spec_variant.daily <= self.used:
            raise rate_limited("DAILY")
        if is_search:
            _take(self._searches, now, SECOND, spec_variant.searches, "SECONDLY")
        else:
            _take(self._calls, now, BURST, spec_variant.burst, "TEN_SECONDLY_ROLLING")
        self.used += 1

    def headers(self, now: dt.datetime, spec_variant: SpecVariant) -> tuple[tuple[str, str], ...]:
        """Tell what is left, as every answer but a search's does."""
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
        shown = (figures if spec_variant.burst else {}) | (
            daily if spec_variant.app == "private" and spec_variant.daily else {}
        )
        return tuple((f"x-hubspot-ratelimit-{name}", str(max(0, figure))) for name, figure in shown.items())


def _take(taken: deque[dt.datetime], now: dt.datetime, window: dt.timedelta, limit: int, policy: str) -> None:
    while taken and now - taken[0] >= window:
        taken.popleft()
    if 0 < limit <= len(taken):
        raise rate_limited(policy)
    taken.append(now)
