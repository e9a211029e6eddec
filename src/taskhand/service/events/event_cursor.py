"""The start of a list of events, and the cursors that encode it; pure."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from taskhand.domain.cursor import bind_cursor, other_cursor_error, unbind_cursor
from taskhand.events.event_store import KeptEvent

__all__ = ["EventCursors", "Start"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TICK: Final = timedelta(microseconds=1)
_CURSOR: Final = re.compile(r"(\d{1,18})-(\d{1,18})(?:-(\d{1,18})-(\d{1,18}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Start:
    """The start of a list: after the event `number`; or from the moment `since`, up to a number.

    `at` is when the caller was shown what comes before it.
    """

    at: datetime
    seq: int = 0
    since: datetime | None = None
    after: tuple[datetime, int] | None = None
    through: int | None = None


class EventCursors:
    """The cursors of one feed for one caller; each contains the moment at which it is issued."""

    def __init__(self, at: datetime, *of: str | None) -> None:
        """`of` identifies the feed."""
        self._at = at
        self._of = of

    def behind_number(self, seq: int) -> str:
        """The cursor after the event of a number, in the order of numbers."""
        return bind_cursor(f"{seq}-{_to_ticks(self._at)}", *self._of)

    def behind(self, event: KeptEvent, start: Start) -> str:
        """The cursor after an event of a list."""
        if start.since is None:
            return self.behind_number(event.seq)
        return bind_cursor(f"{event.seq}-{_to_ticks(start.at)}-{_to_ticks(event.moment)}-{start.through}", *self._of)

    def read(self, cursor: str) -> Start:
        """The start that a cursor encodes; CallerError for the cursor of another list."""
        match = _CURSOR.fullmatch(unbind_cursor(cursor, *self._of))
        if match is None:
            raise other_cursor_error()
        seq, at, moment, through = (None if group is None else int(group) for group in match.groups())
        if moment is None:
            return Start(_moment(at), seq or 0)
        after = _moment(moment)
        return Start(_moment(at), since=after, after=(after, seq or 0), through=through)


def _to_ticks(moment: datetime) -> int:
    return max(0, (moment - _EPOCH) // _TICK)


def _moment(ticks: int | None) -> datetime:
    try:
        return _EPOCH + (ticks or 0) * _TICK
    except OverflowError:
        raise other_cursor_error() from None
