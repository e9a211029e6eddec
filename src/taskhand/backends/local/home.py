"""The protocol of what differs between the places where the built-in store can be."""

from datetime import datetime
from pathlib import Path
from typing import Protocol

from taskhand.backends.local.dialect import Clause, Dialect
from taskhand.domain.check_result import CheckResult
from taskhand.sql.connection import SqlConnection
from taskhand.sql.store import SqlStore

__all__ = ["Home"]


class Home(Protocol):
    """Where the store is: a file, or a database that servers share."""

    @property
    def store(self) -> SqlStore:
        """The rows."""
        ...

    @property
    def dialect(self) -> Dialect:
        """The words of its engine."""
        ...

    @property
    def path(self) -> Path | None:
        """The file; None if it is no file."""
        ...

    def find_late(self, connection: SqlConnection, now: datetime) -> Clause:
        """The condition that a task `t` is past due, finished or not."""
        ...

    async def check_health(self) -> CheckResult:
        """Check that the store is sound and can be written."""
        ...
