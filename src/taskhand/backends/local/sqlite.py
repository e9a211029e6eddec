"""The built-in store in one SQLite file, which any number of processes can share."""

import sqlite3
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from taskhand.backends.local.backend import LocalBackend
from taskhand.backends.local.dialect import SQLITE, Dialect
from taskhand.backends.local.people_and_statuses import Language, NewId, add_defaults
from taskhand.domain.check_result import CheckResult
from taskhand.domain.due import Due, is_overdue
from taskhand.domain.name_matching import fold
from taskhand.sql.connection import SqlClause, SqlConnection
from taskhand.sqlite.connection import BUSY_S
from taskhand.sqlite.migrations import DatabaseKind
from taskhand.sqlite.store import SqliteStore

__all__ = ["TASK_STORE", "FileStorage", "open_file_store"]

TASK_STORE = DatabaseKind(
    "task store",
    "TASKHAND_DB",
    "taskhand.backends.local",
    {"fold": fold},
    "UPDATE identity SET id = lower(hex(randomblob(16)))",
)

_LATE: Final[SqlClause] = ("is_overdue(t.due_at, t.is_all_day, t.due_timezone)", ())
"""A custom SQL function: SQLite has no time zones."""


def open_file_store(
    path: Path,
    *,
    clock: Callable[[], datetime],
    new_id: NewId,
    new_task_id: NewId | None = None,
    user: str,
    timezone: str | None,
    language: Language = "es",
    busy_s: float = BUSY_S,
) -> LocalBackend:
    """The store in the file at `path`, which is opened at first use.

    `clock` returns an aware datetime. `user` is the name of the first member, `timezone` the default zone, `language`
    the language of the default statuses. `new_task_id` makes the ids of tasks, `new_id` by default. `busy_s` is the
    time in seconds that a write waits for another process.
    """
    furnish = partial(add_defaults, new_id=new_id, user=user, language=language)
    storage = FileStorage(path, furnish, clock, timezone, busy_s)
    return LocalBackend(storage, clock=clock, new_id=new_id, new_task_id=new_task_id)


class FileStorage:
    """The storage of the built-in store in one SQLite file."""

    dialect: Dialect = SQLITE

    def __init__(
        self,
        path: Path,
        furnish: Callable[[SqlConnection], None],
        clock: Callable[[], datetime],
        timezone: str | None = None,
        busy_s: float = BUSY_S,
    ) -> None:
        """`furnish` is called with every new connection, in a transaction; the rest as in `open_file_store`."""
        self.path = path
        self._furnish = furnish
        self._clock = clock
        self._timezone = timezone
        self._store = SqliteStore(path, TASK_STORE, prepare=self._prepare, busy_s=busy_s)
        self.store = self._store

    def find_late(self, connection: SqlConnection, now: datetime) -> SqlClause:  # noqa: ARG002  the function knows the time
        """The call of the SQL function `is_overdue`."""
        return _LATE

    async def check_health(self) -> CheckResult:
        """Check that the file is sound and can be written."""
        from taskhand.backends.local.health_checks import check_store  # noqa: PLC0415  no start waits for it

        return await check_store(self._store, self.path)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        from taskhand.backends.local.text_index import prepare_text_index  # noqa: PLC0415  as above

        def overdue(due_at: str | None, is_all_day: int, zone: str | None) -> bool:
            try:
                due = Due.read(due_at, zone, all_day=bool(is_all_day))
            except ValueError:  # unreadable task: the list reports it if it may match
                return True
            return is_overdue(due, self._clock(), self._timezone)

        connection.create_function("is_overdue", 3, overdue)
        prepare_text_index(connection)
        self._furnish(connection)
