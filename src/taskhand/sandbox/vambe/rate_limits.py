"""The rate limits of a spec variant; Vambe documents none."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from taskhand.sandbox.vambe.spec_variant import SpecVariant

WINDOW = dt.timedelta(seconds=1)


class RateLimit:
    """Counts requests; refused ones do not count against the limit per second."""

    def __init__(self) -> None:
        self._count = 0
        self._admitted: list[dt.datetime] = []

    def admit(self, now: dt.datetime, spec_variant: SpecVariant) -> bool:
        """Count a request and return whether it may be answered."""
        self._count += 1
        nth, limit = spec_variant.throttle, spec_variant.per_second
        self._admitted = [moment for moment in self._admitted if limit and now - moment < WINDOW]
        if (nth and self._count % nth == 0) or (limit and len(self._admitted) >= limit):
            return False
        self._admitted.append(now)
        return True
