"""Close's event log (https://developer.close.com/api/resources/events): its rows, and the stretch between two moments.

The log is newest first, 50 rows a page; it is filtered by a type together with an action, not by a type alone. A row
may become visible after later ones. Updates of one object in quick succession are one row that grows: its
`date_updated` moves, and its `previous_data` is from before the first update. Times have no offset and are UTC.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from taskhand.backends.close.client import CloseClient
from taskhand.backends.remote.parsing import JsonObject, id_of, text_or_none, utc_moment
from taskhand.call.parallel_work import for_each

__all__ = ["ACTIONS", "EventLog", "LogEntry", "Stretch", "log_time_text"]

ACTIONS: Final = ("created", "updated", "completed", "deleted")
"""The actions on a task, in the order of rows of the same millisecond."""

_MAX_PAGES: Final = 4
"""Maximum pages of one action in one stretch; a longer stretch is read in parts."""
_TRIES: Final = 8
"""Maximum stretches that one look tries."""
_MIN_SPAN_S: Final = 1.0
_MAX_SPAN_S: Final = 86_400.0 * 30
_MAX_PAGES_AT_MIN_SPAN: Final = 400
"""Maximum pages of a stretch that cannot be shortened."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A row of the log: an `action` on a task, `made` and last `changed` at these moments.

    `data` and `previous` are None if Close does not show them; after an hour it shows them only to admins.
    """

    id: str
    action: str
    task_id: str
    made: datetime
    changed: datetime
    data: JsonObject | None
    previous: JsonObject | None
    changed_fields: frozenset[str]
    user_id: str | None


@dataclass(frozen=True, slots=True)
class Stretch:
    """The entries between two moments, oldest first.

    `cut_at` is None if all were read; otherwise only the newest were read, and `entries` is complete since `cut_at`.
    """

    entries: Sequence[LogEntry]
    cut_at: datetime | None = None

    @property
    def newest(self) -> datetime | None:
        """The moment of the last entry; None if there is none."""
        return self.entries[-1].changed if self.entries else None


class EventLog:
    """Reads the events of the tasks of one type."""

    def __init__(self, client: CloseClient, task_type: str) -> None:
        self._client = client
        self._object_type = f"task.{task_type}"

    async def next_stretch(
        self, since: datetime, known_until: datetime, span_s: float | None, end: datetime
    ) -> tuple[Stretch, datetime | None, float | None]:
        """The next stretch, its end if the log continues after it, and the length in seconds of the part to try next.

        The last two are None if the stretch reaches the `end` of the log. Entries from `since` to `known_until` were
        read before. `span_s` is the length to try first, None for the whole rest of the log.
        """
        start, is_cut = known_until, False
        for _ in range(_TRIES):
            until = None if span_s is None else start + timedelta(seconds=min(span_s, _MAX_SPAN_S))
            until = None if until is None or (until > end and not is_cut) else until
            most = _MAX_PAGES_AT_MIN_SPAN if until is not None and span_s == _MIN_SPAN_S else _MAX_PAGES
            part = await self.read(since, until, known_until, max_pages=most)
            if part.cut_at is not None:
                is_cut = True
                left_s = (part.cut_at - start).total_seconds()
                span_s = max(left_s if until is None else min(left_s, (span_s or left_s) / 8), _MIN_SPAN_S)
            elif until is None or span_s is None:
                return part, None, None
            elif part.newest is None or part.newest <= known_until:
                start, span_s = until, span_s * 4
            else:
                return part, until, span_s * 4
        return Stretch(()), start, span_s

    async def read(
        self, since: datetime, until: datetime | None, known_until: datetime, *, max_pages: int = _MAX_PAGES
    ) -> Stretch:
        """The stretch between two moments, up to now if `until` is None.

        `max_pages` limits the pages with entries after `known_until`; older entries were read before.
        """
        parts = await for_each(
            ACTIONS,
            lambda action: self._read_action(action, since, until, known_until, max_pages),
            at_once=len(ACTIONS),
        )
        entries = [entry for read, _ in parts for entry in reversed(read)]
        entries.sort(key=lambda entry: entry.changed)
        cut_at = [read[-1].changed for read, is_whole in parts if read and not is_whole]
        return Stretch(entries, max(cut_at, default=None))

    async def _read_action(
        self, action: str, since: datetime, until: datetime | None, known_until: datetime, max_pages: int
    ) -> tuple[list[LogEntry], bool]:
        """The entries of one action, newest first, and whether they reach back to `since`."""
        filters = {"object_type": self._object_type, "action": action}
        bounds = {"date_updated__gte": log_time_text(since)} | (
            {"date_updated__lte": log_time_text(until)} if until else {}
        )
        entries: list[LogEntry] = []
        cursor: str | None = None
        pages = 0
        while pages < max_pages:
            rows, cursor = await self._client.events(filters if cursor else filters | bounds, cursor)
            page = [entry for row in rows if (entry := _read_entry(row)) is not None]
            entries += [entry for entry in page if entry.changed >= since]
            if cursor is None or (page and page[-1].changed < since):
                return entries, True
            pages += not page or page[-1].changed > known_until
        return entries, False


def _read_entry(row: JsonObject) -> LogEntry | None:
    """The entry of a row; None if the row has no task id, no event id, no time or another action."""
    made, changed = utc_moment(row.get("date_created")), utc_moment(row.get("date_updated"))
    made, changed = made or changed, changed or made
    task_id, event_id, names = text_or_none(row.get("object_id")), id_of(row), row.get("changed_fields")
    action = text_or_none(row.get("action"))
    if not (task_id and event_id and made and changed) or action not in ACTIONS:
        return None
    return LogEntry(
        event_id,
        action,
        task_id,
        made,
        changed,
        _object(row.get("data")),
        _object(row.get("previous_data")),
        frozenset(name for name in names if isinstance(name, str)) if isinstance(names, list) else frozenset(),
        text_or_none(row.get("user_id")),
    )


def log_time_text(at: datetime) -> str:
    """The text of a moment: ISO 8601 in UTC with an offset, to the millisecond, the precision of Close's log."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


def _object(value: Any) -> JsonObject | None:
    return dict(value) if isinstance(value, Mapping) and value else None
