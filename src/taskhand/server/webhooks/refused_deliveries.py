"""The log of deliveries that are refused: at most one line a minute for each connection, and nothing of a delivery."""

import logging
import math
from collections import Counter
from collections.abc import Callable
from typing import Final

__all__ = ["RefusedDeliveries"]

_log = logging.getLogger(__name__)

_EVERY_S: Final = 60.0
_OTHERS: Final = "no connection"
"""What all addresses that nothing is delivered to are counted as: their names are anybody's text."""


class RefusedDeliveries:
    """Counts what is refused, and why."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._unsaid: dict[str, Counter[str]] = {}
        self._said_at: dict[str, float] = {}

    def note(self, connection: str | None, why: str, address: str) -> None:
        """Count a delivery to a connection, None for what is none, that came from an address."""
        key = connection or _OTHERS
        unsaid = self._unsaid.setdefault(key, Counter())
        unsaid[why] += 1
        now = self._clock()
        if now - self._said_at.get(key, -math.inf) < _EVERY_S:
            return
        self._said_at[key] = now
        reasons = ", ".join(f"{count} with {why}" for why, count in sorted(unsaid.items()))
        _log.warning("Webhooks of %s were refused: %s; the last one from %s.", key, reasons, address)
        del self._unsaid[key]
