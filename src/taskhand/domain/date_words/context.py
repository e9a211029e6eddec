"""What the meaning of a date in words depends on; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from taskhand.domain.date_words.calendar import Direction, Span

__all__ = ["Context", "Found"]

Found = Iterable[Span | date | None]
"""The days that a phrase can mean."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a phrase depends on: the moment when it is said, on the person's clock, and where its day lies."""

    now: datetime
    direction: Direction

    @property
    def today(self) -> date:
        """The day of the moment."""
        return self.now.date()
