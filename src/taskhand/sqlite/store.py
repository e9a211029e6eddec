"""The SQLite file: opened on first use, migrated, and shared safely with other processes (WAL, immediate writes).

This is the only place where an sqlite3 error is met; it leaves as OperatorError.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from taskhand.errors import OperatorError
from taskhand.sqlite.worker import Worker

__all__ = ["Kind", "Store", "opened", "transaction"]

_T = TypeVar("_T")
_BUSY_S = 5.0
"""How long a write waits for another process."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file is for: its name in a sentence, the variable that says where it is, its numbered migrations.

    `package` has a folder `migrations` with files such as `0001_tasks.sql`.
    """

    called: str
    variable: str
    package: str


class Store:
    """One connection in one worker thread at a time; work given to it is a function of that connection."""

    def __init__(self, path: Path, kind: Kind, prepare: Callable[[sqlite3.Connection], None] | None = None) -> None:
        """`prepare` is given every new connection, in a transaction of its own."""
        self._path = path
        self._kind = kind
        self._prepare = prepare
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._synchronous = ""
        self._worker = Worker(kind.called)

    async def read(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Run `work` on one consistent view of the store; OperatorError where the file cannot be used."""
        return await self._worker.do(partial(self._run, "BEGIN", work))

    async def write(self, work: Callable[[sqlite3.Connection], _T], *, durable: bool = True) -> _T:
        """Run `work` in a transaction of its own, wholly or not at all; OperatorError where the file cannot be used.

        Not `durable`: it survives a crash of the process, and perhaps not a power cut.
        """
        return await self._worker.do(partial(self._run, "BEGIN IMMEDIATE", work, durable=durable))

    async def aclose(self) -> None:
        """Close the file, after whatever is under way; a wait for that can be cut short."""
        await self._worker.end(self._close)

    def _run(self, begin: str, work: Callable[[sqlite3.Connection], _T], *, durable: bool = True) -> _T:
        with _as_operator_error(self._path, self._kind):
            connection = self._opened()
            # FULL: what was answered survives a power cut, not only a crash. SQLite takes it only between transactions.
            if self._synchronous != (wanted := "FULL" if durable else "NORMAL"):
                connection.execute(f"PRAGMA synchronous = {wanted}")
                self._synchronous = wanted
            with transaction(connection, begin):
                return work(connection)

    def _opened(self) -> sqlite3.Connection:
        """The connection, to the file that is there now: what goes into a removed one would be lost."""
        if self._connection is not None and self._file != _identity(self._path):
            self._close()
        if self._connection is None:
            self._connection, self._synchronous = opened(self._path, self._kind, self._prepare), ""
            self._file = _identity(self._path)
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file a path leads to; None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def opened(path: Path, kind: Kind, prepare: Callable[[sqlite3.Connection], None] | None = None) -> sqlite3.Connection:
    """A connection to the migrated file at `path`, which is created for its owner alone if it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        _use_wal(connection)
        _migrate(connection, kind)
        if prepare is not None:
            with transaction(connection, "BEGIN IMMEDIATE"):
                prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _migrate(connection: sqlite3.Connection, kind: Kind) -> None:
    """Bring the file to the newest numbered migration, once, however many processes start at the same time."""
    migrations = sorted(
        (file.name, file.read_text("utf-8"))
        for file in (files(kind.package) / "migrations").iterdir()
        if file.name.endswith(".sql")
    )
    if _version(connection) < len(migrations):
        with transaction(connection, "BEGIN IMMEDIATE"):
            for number, (_, script) in enumerate(migrations[_version(connection) :], _version(connection) + 1):
                for statement in _statements(script):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number}")
    if _version(connection) > len(migrations):
        raise OperatorError(
            f"The {kind.called} was written by a newer Taskhand.",
            code="store_too_new",
            next_step=f"Install the newest Taskhand, or set {kind.variable} to another file.",
        )


def _use_wal(connection: sqlite3.Connection) -> None:
    """Let readers and a writer work side by side; the file keeps the mode once it is set.

    SQLite answers "locked" at once, without waiting, while another process is making the same switch.
    """
    give_up = time.monotonic() + _BUSY_S
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.01)


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _statements(script: str) -> Iterator[str]:
    """The statements of a script one by one: sqlite3's executescript would commit before the first."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


@contextmanager
def transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    """All or nothing: also when the work is interrupted by an exception of any kind."""
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


@contextmanager
def _as_operator_error(path: Path, kind: Kind) -> Iterator[None]:
    try:
        yield
    except (sqlite3.DatabaseError, OSError) as error:
        busy = "locked" in str(error) or "busy" in str(error)
        raise OperatorError(
            f"The {kind.called} {path} could not be used: {error}.",
            code="store_busy" if busy else "store_unavailable",
            retryable=busy,
            next_step="Try again in a moment."
            if busy
            else f"Check the file and its folder, or set {kind.variable} to another file.",
        ) from error
