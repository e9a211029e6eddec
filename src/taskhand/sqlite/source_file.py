"""A SQLite file whose rows are read in the order of a key, from one moment, while others may write to it."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from taskhand.sqlite.backup import connect
from taskhand.sqlite.connection import DatabaseKind, open_connection
from taskhand.sqlite.store import database_errors

__all__ = ["SourceFile", "hold_source", "open_source"]

_WAIT_S = 0.5
"""Seconds that are waited for another process which is only closing the file."""


class SourceFile:
    """The rows of the file as they were when it was opened."""

    def __init__(self, connection: sqlite3.Connection, path: Path, kind: DatabaseKind) -> None:
        self._connection = connection
        self._path = path
        self._kind = kind

    def count(self, table: str) -> int:
        """How many rows a table has."""
        with database_errors(self._path, self._kind):
            ((count,),) = self._connection.execute(f"SELECT count(*) FROM {table}")  # noqa: S608  a name of ours
        return int(count)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a statement."""
        with database_errors(self._path, self._kind):
            return [tuple(row) for row in self._connection.execute(sql, parameters)]

    def portions(self, sql: str, parameters: Sequence[Any], size: int) -> Iterator[list[tuple[Any, ...]]]:
        """The rows of a statement, `size` at a time, of which only one portion is in memory."""
        with database_errors(self._path, self._kind), closing(self._connection.cursor()) as cursor:
            cursor.execute(sql, parameters)
            while rows := cursor.fetchmany(size):
                yield [tuple(row) for row in rows]


@contextmanager
def open_source(path: Path, kind: DatabaseKind) -> Iterator[SourceFile]:
    """The file at `path`, which is there, as it is now; others may go on to write to it."""
    with _connected(path, kind) as connection:
        _begin(connection)
        yield SourceFile(connection, path, kind)


@contextmanager
def hold_source(path: Path, kind: DatabaseKind) -> Iterator[SourceFile | None]:
    """The file at `path`, which no other process can open meanwhile; None if one has it open, even if it is idle."""
    with _connected(path, kind) as connection:
        try:
            # Before the first read: the lock is then on the whole file, for as long as the connection is open.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE").fetchone()
            _begin(connection)
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            held = None
        else:
            held = SourceFile(connection, path, kind)
        yield held


@contextmanager
def _connected(path: Path, kind: DatabaseKind) -> Iterator[sqlite3.Connection]:
    """A connection to the file, which is migrated before if it is older than this program."""
    with database_errors(path, kind):
        open_connection(path, kind).close()
        with closing(connect(path, _WAIT_S)) as connection:
            yield connection


def _begin(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN")
    connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
