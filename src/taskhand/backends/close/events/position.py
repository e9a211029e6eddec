"""The position of the feed in Close's event log: how far it was read, and which entries; pure.

Entries become visible late and grow, so the newest minutes of the log are read again, and read entries are remembered.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from taskhand.backends.close.events.event_log import LogEntry, log_time_text
from taskhand.domain.event_source import PositionFormat

__all__ = ["OVERLAP", "POSITIONS", "Position", "Seen", "entries_to_remember"]

OVERLAP: Final = timedelta(minutes=5)
"""The period of newest events that Close advises to read again."""
_REMEMBERED: Final = timedelta(hours=1)
"""How long read entries are remembered: longer than an entry can grow."""
_MAX_REMEMBERED: Final = 5_000


class Seen(NamedTuple):
    """A read entry: its moment, its task, and whether it is a completion that was an event of its own."""

    moment: str
    task_id: str
    is_own_event: bool


@dataclass(frozen=True, slots=True)
class Position:
    """The position up to which the log of one type was read; times ending in `_at` are Unix seconds by our clock.

    `newest` is the moment of the newest read entry, by Close's clock; `newest_at` is when it was read. `seen` are the
    read entries by id. `span_s` is the length in seconds of the next part of a long stretch, None if no part is left.
    `waits_since` is since when entries wait for earlier ones of their tasks that are not visible yet; 0 if none waits.
    `has_ended` is whether a look has reached the end of the log; until then, a known task may be newer than the entries
    being read.
    """

    newest: str
    newest_at: float
    read_at: float
    seen: dict[str, Seen] = field(default_factory=dict)
    span_s: float | None = None
    waits_since: float = 0
    has_ended: bool = False

    @property
    def known_from(self) -> datetime:
        """The moment since which every created task is known."""
        return self.moment - OVERLAP if self.newest_at else self.moment

    @property
    def read_from(self) -> datetime:
        """The moment from which the log is read again: some minutes before `newest`, at first."""
        # Entries older than the overlap before the last look were visible to it.
        return self.moment - max(OVERLAP - timedelta(seconds=max(0.0, self.read_at - self.newest_at)), timedelta())

    @property
    def moment(self) -> datetime:
        """`newest` as a moment."""
        return datetime.fromisoformat(self.newest)

    def has_seen(self, entry: LogEntry) -> bool:
        """Whether an entry was read and has not grown since."""
        return entry.id in self.seen and self.seen[entry.id].moment == log_time_text(entry.changed)

    @property
    def is_quiet(self) -> bool:
        """Whether no part of a long stretch is left to read."""
        return self.span_s is None


POSITIONS: Final = PositionFormat(dict[str, Position])
"""The positions of the logs, by the type of their tasks."""


def entries_to_remember(seen: dict[str, Seen], newest: datetime) -> dict[str, Seen]:
    """The read entries that may still grow or come again, up to `_MAX_REMEMBERED`."""
    oldest = log_time_text(newest - _REMEMBERED)
    recent = [(event_id, entry) for event_id, entry in seen.items() if entry.moment >= oldest]
    recent.sort(key=lambda pair: pair[1].moment)
    return dict(recent[-_MAX_REMEMBERED:])
