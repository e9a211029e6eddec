"""The feeds of changes in a PostgreSQL database, shared safely by any number of replicas."""

from typing import Final

from taskhand.domain.check_result import CheckResult
from taskhand.events.sql_event_store import SqlEventStore
from taskhand.postgres.database import Database
from taskhand.postgres.migrations import PostgresKind
from taskhand.postgres.store import PostgresStore

__all__ = ["EVENTS", "PostgresEventStore"]

EVENTS: Final = PostgresKind("feed of changes", "events", "taskhand.events")


class PostgresEventStore(SqlEventStore):
    """The feeds in the database."""

    def __init__(self, database: Database, *, keep_days: int = 0) -> None:
        self._database = database
        super().__init__(PostgresStore(database, EVENTS), keep_days=keep_days)

    async def check_health(self) -> CheckResult:
        """Check that the feeds can be read and written."""
        from taskhand.events.health_checks import check_database  # noqa: PLC0415  no start waits for it

        return await check_database(self._store, self._database.location)
