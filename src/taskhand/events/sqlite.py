"""The feeds of changes in one SQLite file, shared safely by the processes of one machine."""

from pathlib import Path
from typing import Final

from taskhand.domain.check_result import CheckResult
from taskhand.events.pruning import MAX_EVENTS
from taskhand.events.sql_event_store import SqlEventStore
from taskhand.sqlite.migrations import DatabaseKind
from taskhand.sqlite.store import SqliteStore

__all__ = ["EVENTS", "SqliteEventStore"]

EVENTS: Final = DatabaseKind("file of events", "TASKHAND_EVENTS", "taskhand.events", in_backups=False)


class SqliteEventStore(SqlEventStore):
    """The feeds in the file at `path`, which is made at first use, readable only by its owner."""

    def __init__(self, path: Path, *, keep_days: int = 0, most_events: int = MAX_EVENTS) -> None:
        self._path, self._file = path, SqliteStore(path, EVENTS)
        super().__init__(self._file, keep_days=keep_days, most_events=most_events)

    async def check_health(self) -> CheckResult:
        """Check that the file is sound and can be written."""
        from taskhand.events.health_checks import check_event_file  # noqa: PLC0415  no start waits for it

        return await check_event_file(self._file, self._path)
