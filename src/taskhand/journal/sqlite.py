"""The journal in one SQLite file, shared safely by the processes of one machine."""

import sqlite3
from collections.abc import Collection
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, Unpack

from anyio import to_thread

from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import OperatorError
from taskhand.journal.journal_owner import JournalOwner, read_account_names
from taskhand.journal.process_lock import ProcessLock
from taskhand.journal.sql_journal import JournalOptions, SqlJournal
from taskhand.sqlite.connection import BUSY_S
from taskhand.sqlite.migrations import DatabaseKind
from taskhand.sqlite.store import SqliteStore

__all__ = ["JOURNAL", "SqliteJournal"]

JOURNAL: Final = DatabaseKind("journal", "TASKHAND_JOURNAL", "taskhand.journal")


_LATELY: Final = 1_000
"""Number of the newest rows in which writes of other processes are looked for."""

_BY_OTHERS: Final = (
    "SELECT DISTINCT entry.task_id FROM entry JOIN entry AS opening "
    "ON opening.change_id = entry.change_id AND opening.kind = 'opening' "
    "WHERE entry.seq > ? AND entry.task_id IS NOT NULL AND json_extract(opening.body, '$.value.session') IS NOT ?"
)


class SqliteJournal(SqlJournal):
    """Changes in one SQLite file."""

    def __init__(self, owner: JournalOwner, *, busy_s: float = BUSY_S, **options: Unpack[JournalOptions]) -> None:
        """`owner` finds the file, and the names of the backend and account in it.

        `busy_s` is how many seconds a write waits for another process.
        """
        super().__init__(_FileStorage(owner, busy_s), **options)


class _FileStorage:
    """The file that the owner's journal is in, and the lock files of processes beside it."""

    def __init__(self, owner: JournalOwner, busy_s: float) -> None:
        self._owner = owner
        self._busy_s = busy_s
        self.is_sought = self.is_found = False
        self.locks = _FileLocks(self)
        self._use_file(owner.path)

    def _use_file(self, path: Path) -> None:
        self.path = path
        self.store = SqliteStore(path, JOURNAL, prepare=_prepare, busy_s=self._busy_s)
        self.processes = ProcessLock(path)

    async def find(self) -> None:
        """Use the file that the owner's journal is in."""
        self.is_sought = True
        if not self.is_found:
            path = await self._owner.find_file()
            if path != self.path:
                self._use_file(path)
            self.is_found = await self.store.exists()

    async def locate(self) -> Path:
        """The file."""
        await self.find()
        return self.path

    async def find_account_names(self, *, create: bool) -> tuple[str, ...]:
        """The names of the owner in the file."""
        await self.find()
        return await self._owner.find_account_names(
            partial(to_thread.run_sync, read_account_names, self.path), create=create
        )

    async def is_held(self, session: str) -> bool:
        """Whether this is the session of this process."""
        return self.processes.is_held(session)

    async def check_health(self) -> CheckResult:
        """Check that the file is sound, complete and writable."""
        from taskhand.journal.health_checks import check_journal  # noqa: PLC0415  no start waits for it

        with suppress(OperatorError):  # the store's own check reports this
            await self.find()
        return await check_journal(self.store, self.path)

    async def aclose(self) -> None:
        """Close the file, and release this process's locks."""
        try:
            await self.store.aclose()
            await self._owner.aclose()
        finally:
            self.processes.release_all()


class _FileLocks:
    """A file has no locks to wait for: acquiring them tells which tasks other processes have written, each once."""

    def __init__(self, storage: _FileStorage) -> None:
        self._storage = storage
        self._read_at: tuple[int, int] | None = None
        self._seq: int | None = None
        self._tasks: set[str] = set()

    async def acquire(self, names: Collection[str], *, has_cache: bool = True) -> frozenset[str]:
        """Those of these names, which are case-folded, that another process has written since the last call."""
        storage = self._storage
        if has_cache and storage.is_sought:
            await storage.find()
        if not has_cache or not storage.is_found:
            return frozenset()
        version = storage.store.version()  # taken first: what is written meanwhile is read the next time
        if version is None or version != self._read_at:
            await storage.store.peek(self._read)
            self._read_at = version
        changed = frozenset(self._tasks.intersection(names))
        self._tasks -= changed
        return changed

    async def release(self, names: Collection[str]) -> None:
        """Do nothing: a file has no locks."""

    def _read(self, connection: sqlite3.Connection) -> None:
        """Add the tasks in the rows that were written since the last call."""
        last = connection.execute("SELECT seq FROM link WHERE name = 'head'").fetchone()[0]
        first = last - _LATELY if self._seq is None else max(self._seq, last - _LATELY)
        cursor = connection.execute(_BY_OTHERS, (first, self._storage.processes.session))
        self._tasks |= {row[0].casefold() for row in cursor}
        self._seq = last


def _prepare(connection: sqlite3.Connection) -> None:
    """Have SQLite overwrite pruned rows with zeros."""
    connection.execute("PRAGMA secure_delete = ON")
