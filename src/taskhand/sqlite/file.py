"""The SQLite file itself: made for its owner alone, migrated, and shared safely with other processes (WAL)."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from taskhand.domain.errors import OperatorError

__all__ = ["BUSY_S", "Kind", "committed", "identity", "opened", "transaction"]

BUSY_S = 5.0
"""How long a write waits for another process."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file is for: its name in a sentence, the variable that says where it is, its numbered migrations.

    `package` has a folder `migrations` with files such as `0001_tasks.sql`.
    """

    called: str
    variable: str
    package: str


def identity(path: Path) -> tuple[int, int] | None:
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
    with ExitStack() as until_ready:
        connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        until_ready.callback(connection.close)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        _use_wal(connection)
        _migrate(connection, kind)
        if prepare is not None:
            with transaction(connection, "BEGIN IMMEDIATE"):
                prepare(connection)
        until_ready.pop_all()
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
    give_up = time.monotonic() + BUSY_S
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
def transaction(connection: sqlite3.Connection, begin: str) -> Iterator[sqlite3.Connection]:
    """All or nothing: also when the work is interrupted by an exception of any kind."""
    connection.execute(begin)
    with committed(connection):
        yield connection


@contextmanager
def committed(connection: sqlite3.Connection) -> Iterator[None]:
    """The same for a transaction that has begun."""
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
