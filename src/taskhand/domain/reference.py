"""The moment from which words such as tomorrow count, and in whose zone; pure."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

__all__ = ["Reference"]


@dataclass(frozen=True, slots=True)
class Reference:
    """When a call is made (`now`, aware) and the configured zone of the person who makes it, an IANA name."""

    now: datetime
    zone: str | None = None

    def local(self, zone: str | None = None) -> datetime:
        """The moment on the person's clock: in `zone`, else in the configured zone, else in that of the server."""
        chosen = zone or self.zone
        return self.now.astimezone(ZoneInfo(chosen)) if chosen else self.now
