"""The moment from which words such as tomorrow count, and in whose zone; pure."""

from datetime import UTC, datetime, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

__all__ = ["Reference"]


class Reference(NamedTuple):
    """When a call is made (`now`, aware) and the configured zone of the person who makes it, an IANA name."""

    now: datetime
    zone: str | None = None

    @property
    def calendar(self) -> tzinfo:
        """The zone of the person's days."""
        return self.local().tzinfo or UTC

    def local(self, zone: str | None = None) -> datetime:
        """The moment on the person's clock: in `zone`, else in the configured zone, else in that of the server."""
        chosen = zone or self.zone
        return self.now.astimezone(ZoneInfo(chosen)) if chosen else self.now
