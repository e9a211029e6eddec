"""A second connection for what is found at once: it reads in the thread that asks.

A hop to the worker and back takes longer than most of what is read.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from taskhand.sqlite.file import identity, transaction

__all__ = ["NotNow", "View"]

_T = TypeVar("_T")

_QUICK: Final = 20_000
"""Steps of SQLite's machine that a statement may take: a millisecond or two. A page of 25 tasks takes about 2,000."""


class NotNow(Exception):
    """It takes longer, or has to wait, or cannot be done: nothing was answered, and the worker has to see to it."""


class View:
    """Opens its connection when it is first read from; what it is given only reads."""

    def __init__(self, path: Path, equip: Callable[[sqlite3.Connection], None] | None = None) -> None:
        """`equip` is given every new connection."""
        self._path = path
        self._equip = equip
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None

    def peek(self, file: tuple[int, int] | None, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Run `work` on one consistent view of `file`; NotNow where that is not what is there, or where it takes long.

        The file is one that was opened already, and so migrated.
        """
        try:
            if file is None or identity(self._path) != file:
                raise NotNow
            connection = self._opened(file)
            with transaction(connection, "BEGIN"):
                return work(connection)
        except (sqlite3.Error, OSError) as error:
            raise NotNow from error

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _opened(self, file: tuple[int, int]) -> sqlite3.Connection:
        if self._connection is not None and self._file != file:
            self.close()
        if self._connection is None:
            # It must not make a file that was removed in between, nor wait for anybody.
            uri = f"{self._path.absolute().as_uri()}?mode=rw"
            connection = sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None, check_same_thread=False)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA query_only = ON")
            connection.set_progress_handler(_too_long, _QUICK)
            if self._equip is not None:
                self._equip(connection)
            self._connection, self._file = connection, file
        return self._connection


def _too_long() -> int:
    """What SQLite asks after so many steps: it stops when it is told anything but 0."""
    return 1
