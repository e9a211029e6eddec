"""A connection to a SQLite file: private to its owner, migrated, and shared safely with other processes (WAL)."""

import os
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from threading import Lock
from typing import Final
from uuid import uuid4

from taskhand.domain.errors import OperatorError
from taskhand.sqlite.migrations import DatabaseKind, migrate, new_database
from taskhand.sqlite.transaction import transaction

__all__ = [
    "BUSY_S",
    "check_database_file",
    "error_code",
    "file_identity",
    "is_locked",
    "is_open_to_others",
    "make_database",
    "move_into_place",
    "open_sqlite",
]

_BY_OTHERS: Final = 0o077
BUSY_S = 5.0
"""Seconds that a write waits for another process."""

_opening: Final = Lock()
_open_files: Final[Counter[tuple[int, int]]] = Counter()
"""How many connections this process has to each file, by its identity; read and written while `_opening` is held.

A process that closes a file loses all its locks on it, also those of its other connections: another process could then
remove the write-ahead log that they use. So a file that is open is opened by SQLite only, which knows of this.
https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_
"""


class _CountedConnection(sqlite3.Connection):
    """A connection that is counted in `_open_files` while it is open."""

    file: tuple[int, int] | None = None

    def close(self) -> None:
        super().close()
        with _opening:
            if self.file is not None:
                _open_files[self.file] -= 1
                if not _open_files[self.file]:
                    del _open_files[self.file]
                self.file = None


def error_code(error: BaseException) -> int | None:
    """SQLite's primary result code; None for an error of another origin."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF  # the other bits say more of it


def is_locked(error: BaseException) -> bool:
    """Whether another connection has the file, or a part of it."""
    return error_code(error) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def file_identity(path: Path) -> tuple[int, int] | None:
    """Device and inode of the file at `path`; None if it does not exist."""
    try:
        return _identify(path)
    except FileNotFoundError:
        return None


def is_open_to_others(path: Path) -> bool:
    """Whether other users of this machine may read or change the file at `path`."""
    return os.name == "posix" and bool(path.stat().st_mode & _BY_OTHERS)


def _identify(path: Path) -> tuple[int, int]:
    status = os.stat(path)  # noqa: PTH116  each transaction asks, and a path takes twice as long
    return status.st_dev, status.st_ino


def open_sqlite(
    path: Path, kind: DatabaseKind, prepare: Callable[[sqlite3.Connection], None] | None = None
) -> sqlite3.Connection:
    """Open a connection to the migrated file at `path`, which is created, with access for its owner only, if missing.

    `prepare` is called with the connection in a transaction. Raises sqlite3.Error, OSError and OperatorError.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if file_identity(path) is None:
        make_database(path, kind)
    with ExitStack() as until_ready:
        connection = _connect(path, kind)
        until_ready.callback(connection.close)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        kind.check_version(connection)
        _use_wal(connection)
        kind.add_functions(connection)
        migrate(connection, kind, path)
        with transaction(connection, "BEGIN IMMEDIATE"):
            kind.check_version(connection)
            if prepare is not None:
                prepare(connection)
        until_ready.pop_all()
    return connection


def _connect(path: Path, kind: DatabaseKind) -> _CountedConnection:
    """Connect to the file after checking it, and count the connection."""
    with _opening:
        check_database_file(path, kind)
        # Absolute: SQLite would keep a file of the name `:memory:` in memory.
        connection = sqlite3.connect(
            path.absolute(), timeout=BUSY_S, isolation_level=None, check_same_thread=False, factory=_CountedConnection
        )
        connection.file = _identify(path)
        _open_files[connection.file] += 1
    return connection


def make_database(path: Path, kind: DatabaseKind) -> None:
    """Create the file under another name and link it into place, so that a new database is never seen empty."""
    there = path.resolve()  # a link may lead to a file that is not there yet
    new = there.with_name(f".taskhand-{uuid4().hex[:12]}.new")
    try:
        with os.fdopen(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(new_database(kind))
            file.flush()
            os.fsync(file.fileno())
        move_into_place(new, there)
    finally:
        new.unlink(missing_ok=True)


def move_into_place(new: Path, path: Path) -> bool:
    """Give the file its name; False if another process was quicker."""
    try:
        os.link(new, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        if file_identity(path) is not None:
            return False
        new.rename(path)
    return True


def check_database_file(path: Path, kind: DatabaseKind) -> None:
    """OperatorError, with the repair, if the file is empty or the log beside it belongs to another database.

    If this process has the file open, only the size is checked.
    """
    from taskhand.sqlite.write_ahead_log import find_foreign_log  # noqa: PLC0415  no start waits for it

    is_open = _identify(path) in _open_files
    if not is_open:
        os.close(os.open(path, os.O_RDWR))
    if path.stat().st_size == 0:
        remedy = "Restore it from a backup (`taskhand restore FILE`)" if kind.in_backups else "Put a copy of it back"
        raise OperatorError(
            f"The {kind.label} {path} is an empty file: its data is lost.",
            code="store_unavailable",
            next_step=f"{remedy}, or remove it and {path.name}-wal to begin with a new one.",
        )
    if not is_open and (log := find_foreign_log(path)) is not None:
        raise OperatorError(
            f"{log} is older than the {kind.label} {path} and does not belong to it: was a backup restored?",
            code="store_unavailable",
            next_step=(
                f"If only its owner, mode or name was changed, update the time of {log.name} (touch): its changes are "
                f"kept. If one was restored, stop every Taskhand, move {log.name} and {path.name}-shm away and start "
                "again."
            ),
        )


def _use_wal(connection: sqlite3.Connection) -> None:
    """Set WAL mode, in which readers and a writer work concurrently; the file keeps the mode.

    SQLite answers "locked" at once, without waiting, while another process is making the same switch. It keeps the
    former mode, without an error, if the file cannot have a write-ahead log: in memory, or on a file system without
    shared memory.
    """
    give_up = time.monotonic() + BUSY_S
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        except sqlite3.OperationalError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.01)
        else:
            if mode != "wal":
                raise sqlite3.OperationalError("its folder does not allow a write-ahead log")
