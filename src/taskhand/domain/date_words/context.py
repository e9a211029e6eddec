"""The context of a date in words; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from taskhand.domain.date_words.date_arithmetic import Direction, Span

__all__ = ["Context", "Found"]

Found = Iterable[Span | date | None]
"""The days that a phrase can mean."""


@dataclass(frozen=True, slots=True)
class Context:
    """The context of a phrase: the moment of the call, on the person's clock, and the direction of the day."""

    now: datetime
    direction: Direction

    @property
    def today(self) -> date:
        """The day of the moment."""
        return self.now.date()
