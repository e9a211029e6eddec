"""One SQLite file, opened on first use, whose connection the event loop and a worker thread share.

A round trip to the worker takes longer than most statements, so the caller's thread runs the work itself while the
worker is idle. The worker runs slow work: a read that exceeds its budget is restarted there, as is work that has to
wait for another process. After a slow write, further writes go to the worker until one is quick again; this is tracked
apart for durable writes, which wait for the disk. This is the only module that handles sqlite3 errors; it converts them
to OperatorError.
"""

import errno
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from taskhand.call.deadline import time_left
from taskhand.domain.errors import OperatorError
from taskhand.sql.connection import DamagedRow
from taskhand.sqlite.connection import BUSY_S, error_code, file_identity, is_locked, open_sqlite
from taskhand.sqlite.migrations import DatabaseKind
from taskhand.sqlite.transaction import roll_back_rest
from taskhand.sqlite.worker import Worker

__all__ = ["SqliteStore", "database_file_errors"]

_T = TypeVar("_T")

_STEPS: Final = 1_000
"""Virtual-machine steps between two calls of SQLite's progress handler. A page of 25 tasks takes about 2,000."""
_MAX_CALLS: Final = 20
"""Calls of the progress handler before a `peek` is interrupted."""
_QUICK_S: Final = 0.005
"""The duration, in seconds, above which a write is slow, and the next goes to the worker."""
_MIN_WAIT_S: Final = 0.02
"""Minimum seconds to wait for another process if the call has no time left: results must still be stored."""
_FAULTS: Final = (sqlite3.Error, OSError, UnicodeDecodeError, MemoryError, DamagedRow)
"""Errors of a database file: the text of a damaged one may be no text, and its sizes beyond all memory."""
_MANY: Final = 20
"""Writes of more tasks than this always go to the worker."""


class _NeedsWorker(Exception):
    """Work has to run in the worker thread."""


class SqliteStore:
    """One connection, used by one thread at a time; work is a function of that connection."""

    def __init__(
        self,
        path: Path,
        kind: DatabaseKind,
        *,
        prepare: Callable[[sqlite3.Connection], None] | None = None,
        busy_s: float = BUSY_S,
        monotonic: Callable[[], float] = time.perf_counter,
        makes_anew: bool = True,
    ) -> None:
        """`prepare` is called with every new connection, in a transaction.

        If the open file disappears, it is created again if `makes_anew`; otherwise that is an error until the file is
        back. `busy_s` is how many seconds a write waits for another process; `monotonic` returns seconds and measures
        writes.
        """
        self._path = path
        self._kind = kind
        self._prepare = prepare
        self._connection: sqlite3.Connection | None = None
        self._opened = 0
        self._file: tuple[int, int] | None = None
        self._synchronous = ""
        self._busy_ms = int(busy_s * 1_000)
        self._monotonic = monotonic
        self._makes_anew = makes_anew
        self._busy_timeout_ms: int | None = None
        self._progress_calls = 0
        self._was_slow = {True: False, False: False}
        """Whether the last write was slow, by whether it was durable: only durable writes wait for the disk."""
        self._worker = Worker(kind.label)

    async def peek(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """As `read`, for work that is usually quick: runs in the caller's thread if possible."""
        try:
            connection = self._idle_connection()
            self._progress_calls = 0
            connection.set_progress_handler(self._takes_long, _STEPS)
            try:
                return self._run_on_view(connection, work)
            finally:
                connection.set_progress_handler(None, 0)
        except (_NeedsWorker, sqlite3.Error, OSError, DamagedRow):
            return await self.read(work)

    async def read(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Run `work` on one snapshot of the store; OperatorError if the file cannot be used."""
        return await self._worker.run(partial(self._read, work, _end_of_wait()))

    async def write(self, work: Callable[[sqlite3.Connection], _T], *, durable: bool = True, tasks: int = 1) -> _T:
        """Run `work` in one transaction; OperatorError if the file cannot be used.

        A write that is not `durable` survives a crash of the process, but perhaps not a power cut. `tasks` is how many
        tasks it writes.
        """
        try:
            connection = self._begin_here(durable=durable, tasks=tasks)
        except (_NeedsWorker, sqlite3.Error, OSError):
            return await self._worker.run(partial(self._write, work, _end_of_wait(), durable=durable))
        try:
            return self._run_and_commit(connection, work, durable=durable)
        except _FAULTS as error:
            raise _to_operator_error(error, self._path, self._kind) from error

    def version(self) -> tuple[int, int] | None:
        """A value that changes when another connection commits a write; None if it cannot be read at once."""
        try:
            (number,) = self._idle_connection().execute("PRAGMA data_version").fetchone()
        except (_NeedsWorker, sqlite3.Error, OSError):
            return None
        return self._opened, number  # SQLite counts anew for each connection

    async def exists(self) -> bool:
        """Whether the file exists; OperatorError if that is unknown, or it disappeared and must not be recreated."""
        with database_file_errors(self._path, self._kind):
            self._check_not_gone()
            return file_identity(self._path) is not None

    async def aclose(self) -> None:
        """Close the file after the work in progress; the wait can be cancelled."""
        await self._worker.stop(self._close)

    def _idle_connection(self) -> sqlite3.Connection:
        """The connection, set not to wait for other processes.

        Raises _NeedsWorker while the worker may be using it, or has to open the file.
        """
        if not self._worker.is_idle or self._connection is None or self._file != file_identity(self._path):
            raise _NeedsWorker
        self._set_busy_timeout(self._connection, 0)
        return self._connection

    def _takes_long(self) -> bool:
        """The progress handler: True interrupts the statement. SQLite counts a statement's steps over all its runs."""
        self._progress_calls += 1
        return self._progress_calls > _MAX_CALLS

    def _begin_here(self, *, durable: bool, tasks: int) -> sqlite3.Connection:
        """The connection, with a transaction begun; sqlite3's error if another process is writing."""
        if self._was_slow[durable] or tasks > _MANY:
            raise _NeedsWorker
        return self._begin(self._idle_connection(), durable=durable)

    def _read(self, work: Callable[[sqlite3.Connection], _T], wait_until: float) -> _T:
        with database_file_errors(self._path, self._kind):
            return self._run_on_view(self._open(wait_until), work)

    def _write(self, work: Callable[[sqlite3.Connection], _T], wait_until: float, *, durable: bool) -> _T:
        with database_file_errors(self._path, self._kind):
            return self._run_and_commit(self._begin(self._open(wait_until), durable=durable), work, durable=durable)

    def _begin(self, connection: sqlite3.Connection, *, durable: bool) -> sqlite3.Connection:
        # FULL survives a power cut, NORMAL only a crash. SQLite takes the setting only between transactions.
        if self._synchronous != (wanted := "FULL" if durable else "NORMAL"):
            connection.execute(f"PRAGMA synchronous = {wanted}")
            self._synchronous = wanted
        connection.execute("BEGIN IMMEDIATE")
        return connection

    def _run_and_commit(
        self, connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], _T], *, durable: bool
    ) -> _T:
        """Run the work, commit it, and measure how long both took."""
        began = self._monotonic()
        result = self._run(connection, work)
        self._was_slow[durable] = self._monotonic() - began > _QUICK_S
        return result

    def _run_on_view(self, connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Run the work on a snapshot of the file."""
        connection.execute("BEGIN")
        return self._run(connection, work)

    def _run(self, connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Run the work in the open transaction and commit it; roll back if either raises.

        Before, it is checked that no newer program has migrated the file.
        """
        try:
            self._kind.check_version(connection)
            result = work(connection)
            connection.execute("COMMIT")
        finally:
            roll_back_rest(connection)
        return result

    def _open(self, wait_until: float) -> sqlite3.Connection:
        """Open the current file, with a wait for other processes; writes to a deleted file would be lost."""
        if self._connection is not None and self._file != file_identity(self._path):
            self._close()
        if self._connection is None:
            self._check_not_gone()
            self._connection = open_sqlite(self._path, self._kind, self._prepare)
            self._opened += 1
            self._file, self._synchronous, self._busy_timeout_ms = file_identity(self._path), "", None
        left_s = max(_MIN_WAIT_S, wait_until - time.monotonic())
        self._set_busy_timeout(self._connection, int(min(self._busy_ms, left_s * 1_000)))
        return self._connection

    def _check_not_gone(self) -> None:
        """OperatorError if the file was open before, has disappeared, and must not be recreated."""
        if self._makes_anew or self._file is None or file_identity(self._path) is not None:
            return
        raise OperatorError(
            f"The {self._kind.label} {self._path} is missing, although it existed before.",
            code="store_unavailable",
            next_step="Put it back, or restart Taskhand to begin with a new one.",
        )

    def _set_busy_timeout(self, connection: sqlite3.Connection, ms: int) -> None:
        if self._busy_timeout_ms != ms:
            connection.execute(f"PRAGMA busy_timeout = {ms}")
            self._busy_timeout_ms = ms

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _end_of_wait() -> float:
    """The deadline for waits on other work and processes, by the monotonic clock of the worker's thread."""
    return time.monotonic() + time_left()


def _read_only_part(path: Path, error: Exception) -> str | None:
    """The file or folder that is read-only, if the error is about that."""
    is_denied = isinstance(error, OSError) and error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}
    if not is_denied and error_code(error) not in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}:
        return None
    effective = os.access in os.supports_effective_ids
    with suppress(OSError):
        if path.is_file() and not os.access(path, os.W_OK, effective_ids=effective):
            return "the file"
        if path.parent.is_dir() and not os.access(path.parent, os.W_OK | os.X_OK, effective_ids=effective):
            return f"the folder {path.parent}"
    return None


@contextmanager
def database_file_errors(path: Path, kind: DatabaseKind) -> Iterator[None]:
    """Convert errors of a database file to OperatorError, which names the file and the next step."""
    try:
        yield
    except _FAULTS as error:
        raise _to_operator_error(error, path, kind) from error


def _to_operator_error(error: Exception, path: Path, kind: DatabaseKind) -> OperatorError:
    if (where := _read_only_part(path, error)) is not None:
        return OperatorError(
            f"The {kind.label} {path} cannot be used: {where} is read-only for this user.",
            code="store_unavailable",
            next_step=(
                f"Make {where} writable for the user who runs Taskhand, as SQLite writes beside the file even to "
                f"read it, or set {kind.variable} to another file."
            ),
        )
    busy = is_locked(error)
    return OperatorError(
        f"The {kind.label} {path} could not be used: {error}.",
        code="store_busy" if busy else "store_unavailable",
        retryable=busy,
        next_step="Try again in a moment."
        if busy
        else f"Check the file and its folder, or set {kind.variable} to another file.",
    )
