"""The storage of the built-in store: the protocol that a file and a database implement."""

from datetime import datetime
from pathlib import Path
from typing import Protocol

from taskhand.backends.local.dialect import Dialect
from taskhand.domain.check_result import CheckResult
from taskhand.sql.connection import SqlClause, SqlConnection
from taskhand.sql.store import SqlStore

__all__ = ["TaskStorage"]


class TaskStorage(Protocol):
    """The storage of the store: a file, or a database that servers share."""

    @property
    def store(self) -> SqlStore:
        """The rows of the store."""
        ...

    @property
    def dialect(self) -> Dialect:
        """The SQL of its engine."""
        ...

    @property
    def path(self) -> Path | None:
        """The path of the file; None for a database."""
        ...

    def find_late(self, connection: SqlConnection, now: datetime) -> SqlClause:
        """The SQL condition that a task `t` is past due, even if it is finished."""
        ...

    async def check_health(self) -> CheckResult:
        """Check that the store is sound and can be written."""
        ...
