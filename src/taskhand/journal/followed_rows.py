"""The rows of several journal files in the order of their times, and those that are added from now on."""

from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from taskhand.domain.errors import OperatorError
from taskhand.journal.row_export import ExportedRow, RowQuery, find_start, read_portion
from taskhand.journal.sqlite import JOURNAL
from taskhand.sql.store import SqlStore
from taskhand.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from taskhand.journal.hash_chain import ChainLink

__all__ = ["FOLLOW_S", "JournalFile", "RowReader", "follow_rows", "read_new_rows"]

FOLLOW_S: Final = 1.0
"""Seconds between two searches for new rows."""
_LOOK_ANYWAY: Final = 10
"""Number of checks after which an unchanged file is read anyway: not every system keeps its time up to date."""

_State = tuple[tuple[int, int, int] | None, ...]


@dataclass(frozen=True, slots=True)
class JournalFile:
    """One journal: its file, and the names of the connections by their account names in it.

    If it is in a database, `path` is the name of that, and `store` has its rows.
    """

    path: Path | str
    names: Mapping[str, str] = field(default_factory=dict)
    store: SqlStore | None = None


class RowReader:
    """Reads the rows of one journal that the query asks for, each once, and goes on with a file that replaces it.

    The file is open only while it is read, so that it can be moved away, restored or migrated meanwhile.
    """

    def __init__(self, file: JournalFile, query: RowQuery) -> None:
        self._file = file
        self._query = query
        self._store: SqlStore = file.store or SqliteStore(Path(file.path), JOURNAL)
        self._last: ChainLink | None = None
        self._rows: deque[ExportedRow] = deque()
        self._is_open = False
        self._opened: _State = ()
        self._read_whole: _State = ()
        self._looks = 0

    async def open(self) -> None:
        """Begin to read what was added since the last time. OperatorError if the file cannot be used."""
        self._opened, self._looks = self._file_state(), self._looks + 1
        is_unchanged = self._opened and self._opened == self._read_whole and self._looks % _LOOK_ANYWAY
        if not is_unchanged and await self._store.exists():
            self._is_open = True
            self._last = await self._store.read(partial(find_start, last=self._last, query=self._query))

    async def first(self) -> ExportedRow | None:
        """The next row, which stays the next; None at the end."""
        while not self._rows and self._is_open and self._last is not None:
            work = partial(read_portion, after=self._last, names=self._file.names)
            rows, self._last = await self._store.read(work)
            self._rows += [row for row in rows if self._query.includes(row)]
            if not rows:
                self._read_whole = self._opened
                await self.close()
        return self._rows[0] if self._rows else None

    def remove_first(self) -> None:
        """Go on to the row after the next."""
        self._rows.popleft()

    async def close(self) -> None:
        """Close the file until the next time."""
        if self._is_open:
            self._is_open = False
            await self._store.aclose()

    def _file_state(self) -> _State:
        """The identity, size and time of the file and of its write-ahead log; a write changes them."""
        if not isinstance(path := self._file.path, Path):
            return ()
        return _describe(path), _describe(path.with_name(f"{path.name}-wal"))


async def read_new_rows(readers: Sequence[RowReader]) -> AsyncGenerator[ExportedRow, None]:
    """The rows of all files that were added since the last time, by their times; rows of one file keep their order."""
    try:
        for reader in readers:
            await reader.open()
        while firsts := [
            (row.at, number, row) for number, row_reader in enumerate(readers) if (row := await row_reader.first())
        ]:
            _, number, row = min(firsts)
            readers[number].remove_first()
            yield row
    finally:
        for reader in readers:
            await reader.close()


async def follow_rows(
    readers: Sequence[RowReader], *, sleep: Callable[[float], Awaitable[object]], goes_on: Callable[[], bool]
) -> AsyncGenerator[ExportedRow, None]:
    """As `read_new_rows`, then the rows that are added, for as long as it `goes_on`.

    A file that is not there is waited for, as is one that another process holds. OperatorError if a file cannot be
    used at all.
    """
    while True:
        try:
            async with aclosing(read_new_rows(readers)) as rows:
                async for row in rows:
                    yield row
        except OperatorError as error:
            if not error.retryable:
                raise
        if not goes_on():
            return
        await sleep(FOLLOW_S)


def _describe(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
