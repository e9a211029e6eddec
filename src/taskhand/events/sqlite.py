"""The feeds of changes in one SQLite file, shared safely by the processes of one machine."""

from pathlib import Path
from typing import Final

from taskhand.events.pruning import MOST_EVENTS
from taskhand.events.sql_event_store import SqlEventStore
from taskhand.sqlite.connection import DatabaseKind
from taskhand.sqlite.store import Store

__all__ = ["EVENTS", "SqliteEventStore"]

EVENTS: Final = DatabaseKind("file of events", "TASKHAND_EVENTS", "taskhand.events", in_backups=False)


class SqliteEventStore(SqlEventStore):
    """The feeds in the file at `path`, which is made at first use, for its owner alone."""

    def __init__(self, path: Path, *, keep_days: int = 0, most_events: int = MOST_EVENTS) -> None:
        super().__init__(Store(path, EVENTS), keep_days=keep_days, most_events=most_events)
