"""A store of ours: one SQLite file, opened on first use, written in a thread of its own.

This is the only place where an sqlite3 error is met; it leaves as OperatorError.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from taskhand.errors import OperatorError
from taskhand.sqlite.file import Kind, identity, opened, transaction
from taskhand.sqlite.view import NotNow, View
from taskhand.sqlite.worker import Worker

__all__ = ["Store"]

_T = TypeVar("_T")


class Store:
    """One connection in one worker thread at a time, and a view for what is found at once.

    Work given to it is a function of a connection.
    """

    def __init__(
        self,
        path: Path,
        kind: Kind,
        *,
        equip: Callable[[sqlite3.Connection], None] | None = None,
        furnish: Callable[[sqlite3.Connection], None] | None = None,
    ) -> None:
        """`equip` is given every new connection; `furnish` each one that writes, in a transaction of its own."""
        self._path = path
        self._kind = kind
        self._equip = equip
        self._furnish = furnish
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._synchronous = ""
        self._worker = Worker(kind.called)
        self._view = View(path, equip)

    async def peek(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """As `read`, for what takes no time as a rule: done here and now. What takes longer is begun anew as a read."""
        with suppress(NotNow):
            return self._view.peek(self._file, work)
        return await self.read(work)

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
        self._view.close()
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
        if self._connection is not None and self._file != identity(self._path):
            self._close()
        if self._connection is None:
            self._connection, self._synchronous = opened(self._path, self._kind, self._prepared), ""
            self._file = identity(self._path)
        return self._connection

    def _prepared(self, connection: sqlite3.Connection) -> None:
        if self._equip is not None:
            self._equip(connection)
        if self._furnish is not None:
            self._furnish(connection)

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
