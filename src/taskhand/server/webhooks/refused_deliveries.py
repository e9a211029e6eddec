"""The log of refused deliveries: at most one line a minute for each connection, without their content."""

import logging
import math
from collections import Counter
from collections.abc import Callable
from typing import Final

__all__ = ["RefusedDeliveries"]

_log = logging.getLogger(__name__)

_EVERY_S: Final = 60.0
_UNKNOWN: Final = "no connection"
"""The name under which deliveries to unknown connections are counted: their paths are untrusted text."""


class RefusedDeliveries:
    """Counts refused deliveries by reason."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._unlogged: dict[str, Counter[str]] = {}
        self._said_at: dict[str, float] = {}

    def note(self, connection: str | None, why: str, address: str) -> None:
        """Count a delivery from an address to a connection; None for an unknown connection."""
        key = connection or _UNKNOWN
        unlogged = self._unlogged.setdefault(key, Counter())
        unlogged[why] += 1
        now = self._monotonic()
        if now - self._said_at.get(key, -math.inf) < _EVERY_S:
            return
        self._said_at[key] = now
        reasons = ", ".join(f"{count} with {why}" for why, count in sorted(unlogged.items()))
        _log.warning("Webhooks of %s were refused: %s; the last one from %s.", key, reasons, address)
        del self._unlogged[key]
