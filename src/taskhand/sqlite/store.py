"""A store of ours: one SQLite file, opened on first use, its connection shared by the event loop and a worker thread.

A hop to the worker and back takes longer than most of what is done there. So whoever asks does it, while the worker has
nothing to do. A read that turns out to take long is begun anew by the worker, as is what has to wait for another
process; after a write that took long, the next ones are the worker's until one is quick again.

This is the only place where an sqlite3 error is met; it leaves as OperatorError.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from taskhand.domain.errors import OperatorError
from taskhand.sqlite.file import BUSY_S, Kind, committed, identity, opened, transaction
from taskhand.sqlite.worker import Worker

__all__ = ["Store"]

_T = TypeVar("_T")

_STEPS: Final = 1_000
"""After so many steps SQLite asks whether to go on. A page of 25 tasks takes about 2,000."""
_MOST_ASKED: Final = 20
"""How often it may ask in one peek."""
_QUICK_S: Final = 0.005
"""What a write may take; after one that took longer, the next is the worker's."""
_MANY: Final = 20
"""Tasks of a write that is the worker's in any case."""


class _NotHere(Exception):
    """It is the worker's to do."""


class Store:
    """One connection, in one thread at a time; work given to it is a function of that connection."""

    def __init__(
        self,
        path: Path,
        kind: Kind,
        *,
        prepare: Callable[[sqlite3.Connection], None] | None = None,
        busy_s: float = BUSY_S,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """`prepare` is given every new connection, in a transaction; others that write are waited for `busy_s`.

        `clock` answers seconds: how long a write takes says whose the next one is.
        """
        self._path = path
        self._kind = kind
        self._prepare = prepare
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._synchronous = ""
        self._busy_ms = int(busy_s * 1_000)
        self._clock = clock
        self._waits_ms: int | None = None
        self._asked = 0
        self._was_slow = False
        self._worker = Worker(kind.called)

    async def peek(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """As `read`, for what takes no time as a rule: done here and now if it can be."""
        try:
            connection = self._at_hand()
            self._asked = 0
            connection.set_progress_handler(self._takes_long, _STEPS)
            try:
                with transaction(connection, "BEGIN"):
                    return work(connection)
            finally:
                connection.set_progress_handler(None, 0)
        except (_NotHere, sqlite3.Error, OSError):
            return await self.read(work)

    async def read(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Run `work` on one consistent view of the store; OperatorError where the file cannot be used."""
        return await self._worker.do(partial(self._read, work))

    async def write(self, work: Callable[[sqlite3.Connection], _T], *, durable: bool = True, tasks: int = 1) -> _T:
        """Run `work` in a transaction of its own, wholly or not at all; OperatorError where the file cannot be used.

        Not `durable`: it survives a crash of the process, and perhaps not a power cut. `tasks` is of how many it is.
        """
        try:
            connection = self._begun_here(durable=durable, tasks=tasks)
        except (_NotHere, sqlite3.Error, OSError):
            return await self._worker.do(partial(self._write, work, durable=durable))
        with _as_operator_error(self._path, self._kind):
            return self._ended(connection, work)

    async def aclose(self) -> None:
        """Close the file, after whatever is under way; a wait for that can be cut short."""
        await self._worker.end(self._close)

    def _at_hand(self) -> sqlite3.Connection:
        """The connection, to wait for nobody; _NotHere while the worker may be at it, or has to open the file."""
        if not self._worker.is_idle or self._connection is None or self._file != identity(self._path):
            raise _NotHere
        self._wait(self._connection, 0)
        return self._connection

    def _takes_long(self) -> bool:
        """What SQLite asks, which stops where it is so; it counts the steps of a statement over all its runs."""
        self._asked += 1
        return self._asked > _MOST_ASKED

    def _begun_here(self, *, durable: bool, tasks: int) -> sqlite3.Connection:
        """The connection, with a transaction begun; sqlite3's error where another process is writing."""
        if self._was_slow or tasks > _MANY:
            raise _NotHere
        return self._begun(self._at_hand(), durable=durable)

    def _read(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        with _as_operator_error(self._path, self._kind), transaction(self._opened(), "BEGIN") as connection:
            return work(connection)

    def _write(self, work: Callable[[sqlite3.Connection], _T], *, durable: bool) -> _T:
        with _as_operator_error(self._path, self._kind):
            return self._ended(self._begun(self._opened(), durable=durable), work)

    def _begun(self, connection: sqlite3.Connection, *, durable: bool) -> sqlite3.Connection:
        # FULL: what was answered survives a power cut, not only a crash. SQLite takes it only between transactions.
        if self._synchronous != (wanted := "FULL" if durable else "NORMAL"):
            connection.execute(f"PRAGMA synchronous = {wanted}")
            self._synchronous = wanted
        connection.execute("BEGIN IMMEDIATE")
        return connection

    def _ended(self, connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """What comes of the work, committed; how long that takes says whose the next one is."""
        began = self._clock()
        with committed(connection):
            done = work(connection)
        self._was_slow = self._clock() - began > _QUICK_S
        return done

    def _opened(self) -> sqlite3.Connection:
        """The connection to the file that is there now, to wait for others: what goes into a removed one is lost."""
        if self._connection is not None and self._file != identity(self._path):
            self._close()
        if self._connection is None:
            self._connection = opened(self._path, self._kind, self._prepare)
            self._file, self._synchronous, self._waits_ms = identity(self._path), "", None
        self._wait(self._connection, self._busy_ms)
        return self._connection

    def _wait(self, connection: sqlite3.Connection, ms: int) -> None:
        """How long other processes are waited for from now on."""
        if self._waits_ms != ms:
            connection.execute(f"PRAGMA busy_timeout = {ms}")
            self._waits_ms = ms

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


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
