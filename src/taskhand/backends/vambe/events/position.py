"""The position of the feed of Vambe: the last look, the window of its list, and tasks that it did not find; pure."""

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta

from taskhand.backends.vambe.events.list_windows import EDGE, SPANS
from taskhand.backends.vambe.mapping import DueAt

__all__ = ["Position", "read_position", "write_position"]


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
        return today - timedelta(days=before - EDGE), today + timedelta(days=after - EDGE)


def write_position(position: Position) -> str:
    """The position as text."""
    return json.dumps(asdict(position))


def read_position(position: str) -> Position:
    """The position in a text."""
    return Position(**json.loads(position))
