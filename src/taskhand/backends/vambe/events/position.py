"""The position of the feed of Vambe, and the windows of the lists that it reads; pure."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final

from taskhand.backends.vambe.client import Window
from taskhand.backends.vambe.mapping import DueAt
from taskhand.backends.vambe.query import WIDEST
from taskhand.domain.due import due_of
from taskhand.domain.event_source import PositionFormat
from taskhand.domain.task import Task

__all__ = ["POSITION", "SPANS", "Position", "day_window"]

SPANS: Final = ((60, 180), (30, 60), (7, 14))
"""Days before and after today that a look lists; fewer if Vambe refuses a window."""
_EDGE: Final = 3
"""Days at the ends of a window that may or may not be included: Vambe does not document the zone of a window."""


@dataclass(frozen=True, slots=True)
class Position:
    """The last look: its number since `begun`, and when it began (`at`); None before the first look.

    `span` is the index of the window in `SPANS`. `due_at` is the form in which due times were read. `unfound` maps
    tasks that were not found, and may or may not be deleted, to the time of the search.
    """

    begun: str
    number: int = 0
    at: str | None = None
    span: int = 0
    due_at: DueAt = "utc"
    unfound: dict[str, str] = field(default_factory=dict)

    @property
    def looked_at(self) -> datetime:
        """When the list was read; before the first look, the moment from which changes are wanted."""
        return datetime.fromisoformat(self.at or self.begun)

    def window(self) -> tuple[date, date]:
        """The first and last day that the list of this look certainly included."""
        today = self.looked_at.astimezone(UTC).date()
        before, after = SPANS[self.span]
        return today - timedelta(days=before - _EDGE), today + timedelta(days=after - _EDGE)


POSITION: Final = PositionFormat(Position)


def day_window(task: Task) -> Window:
    """The window of the few tasks due around the same day, or of those without a date if this one has none."""
    due = due_of(task)
    if due is None:
        return Window(WIDEST.first, WIDEST.first, task.responsible_ids)
    first, last = due.day - timedelta(days=_EDGE), due.day + timedelta(days=_EDGE)
    return Window(first.isoformat(), last.isoformat(), dateless=False)
