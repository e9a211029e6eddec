"""The feeds of changes in a PostgreSQL database, shared safely by any number of replicas."""

from typing import Final

from taskhand.events.sql_event_store import SqlEventStore
from taskhand.postgres.database import Database
from taskhand.postgres.migrations import PostgresKind
from taskhand.postgres.store import Store

__all__ = ["EVENTS", "PostgresEventStore"]

EVENTS: Final = PostgresKind("feed of changes", "events", "taskhand.events")


class PostgresEventStore(SqlEventStore):
    """The feeds in the database."""

    def __init__(self, database: Database, *, keep_days: int = 0) -> None:
        super().__init__(Store(database, EVENTS), keep_days=keep_days)
