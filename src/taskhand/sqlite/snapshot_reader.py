"""A SQLite file whose rows are read in key order, from one snapshot, while others may write to it."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from taskhand.sqlite.backup import connect_autocommit
from taskhand.sqlite.connection import is_locked, open_sqlite
from taskhand.sqlite.migrations import DatabaseKind
from taskhand.sqlite.store import database_file_errors

__all__ = ["SourceFile", "hold_source", "open_source"]

_WAIT_S = 0.5
"""Seconds to wait for another process that is only closing the file."""


class SourceFile:
    """A snapshot of the file's rows, taken when it was opened."""

    def __init__(self, connection: sqlite3.Connection, path: Path, kind: DatabaseKind) -> None:
        self._connection = connection
        self._path = path
        self._kind = kind

    def count(self, table: str) -> int:
        """The number of rows in a table."""
        with database_file_errors(self._path, self._kind):
            ((count,),) = self._connection.execute(f"SELECT count(*) FROM {table}")  # noqa: S608  a name of ours
        return int(count)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Query rows."""
        with database_file_errors(self._path, self._kind):
            return [tuple(row) for row in self._connection.execute(sql, parameters)]

    def portions(self, sql: str, parameters: Sequence[Any], size: int) -> Iterator[list[tuple[Any, ...]]]:
        """Query rows in portions of `size`, of which one at a time is in memory."""
        with database_file_errors(self._path, self._kind), closing(self._connection.cursor()) as cursor:
            cursor.execute(sql, parameters)
            while rows := cursor.fetchmany(size):
                yield [tuple(row) for row in rows]


@contextmanager
def open_source(path: Path, kind: DatabaseKind) -> Iterator[SourceFile]:
    """Open a snapshot of the existing file at `path`; other processes can continue to write."""
    with _connect(path, kind) as connection:
        _begin(connection)
        yield SourceFile(connection, path, kind)


@contextmanager
def hold_source(path: Path, kind: DatabaseKind) -> Iterator[SourceFile | None]:
    """Open the file at `path` exclusively; None if another process has it open, even idle."""
    with _connect(path, kind) as connection:
        try:
            # Before the first read: the lock is then on the whole file, for as long as the connection is open.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE").fetchone()
            _begin(connection)
        except sqlite3.OperationalError as error:
            if not is_locked(error):
                raise
            held = None
        else:
            held = SourceFile(connection, path, kind)
        yield held


@contextmanager
def _connect(path: Path, kind: DatabaseKind) -> Iterator[sqlite3.Connection]:
    """Connect to the file, and migrate it first if it is of an older program."""
    with database_file_errors(path, kind):
        open_sqlite(path, kind).close()
        with closing(connect_autocommit(path, _WAIT_S)) as connection:
            yield connection


def _begin(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN")
    connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
