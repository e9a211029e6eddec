"""The journal in one SQLite file, shared safely by the processes of one machine."""

import sqlite3
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from anyio import to_thread

from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import OperatorError
from taskhand.journal.owner import Account, Owner, read_places
from taskhand.journal.process_lock import ProcessLock
from taskhand.journal.sql_journal import NewId, SqlJournal
from taskhand.sqlite.connection import BUSY_S, DatabaseKind
from taskhand.sqlite.store import Store

__all__ = ["JOURNAL", "SqliteJournal"]

JOURNAL: Final = DatabaseKind("journal", "TASKHAND_JOURNAL", "taskhand.journal")


class SqliteJournal(SqlJournal):
    """Changes in one SQLite file."""

    def __init__(
        self,
        path: Path,
        *,
        place: str | None = None,
        owner: Owner | None = None,
        clock: Callable[[], datetime],
        new_id: NewId,
        secrets: Iterable[str] = (),
        keep_days: int = 0,
        monotonic: Callable[[], float] = time.monotonic,
        busy_s: float = BUSY_S,
    ) -> None:
        """`place` names the backend and account, or `owner` finds the file and the names.

        `busy_s` is how many seconds a write waits for another process; the rest is as in SqlJournal.
        """
        home = _FileHome(path, owner or Account(path, place or ""), busy_s)
        super().__init__(home, clock=clock, new_id=new_id, secrets=secrets, keep_days=keep_days, monotonic=monotonic)


class _FileHome:
    """The file that the owner's journal is in, and the lock files of processes beside it."""

    def __init__(self, path: Path, owner: Owner, busy_s: float) -> None:
        self._owner = owner
        self._busy_s = busy_s
        self._is_found = False
        self._use_file(path)

    def _use_file(self, path: Path) -> None:
        self.path = path
        self.store = Store(path, JOURNAL, prepare=_prepare, busy_s=self._busy_s)
        self.processes = ProcessLock(path)

    async def find(self) -> None:
        """Use the file that the owner's journal is in."""
        if not self._is_found:
            path = await self._owner.find_file()
            if path != self.path:
                self._use_file(path)
            self._is_found = await self.store.exists()

    async def locate(self) -> Path:
        """The file."""
        await self.find()
        return self.path

    async def find_places(self, *, create: bool) -> tuple[str, ...]:
        """The names of the owner in the file."""
        await self.find()
        return await self._owner.find_places(partial(to_thread.run_sync, read_places, self.path), create=create)

    async def is_held(self, session: str) -> bool:
        """Whether this process has this name."""
        return self.processes.is_held(session)

    async def take_turns(self, names: Collection[str]) -> frozenset[str] | None:  # noqa: ARG002  nobody is asked
        """None of them was another's: processes on one machine wait for each other where they write."""
        return frozenset()

    async def give_turns_back(self, names: Collection[str]) -> None:
        """Nothing was taken."""

    async def check_health(self) -> CheckResult:
        """Check that the file is sound, complete and writable."""
        from taskhand.journal.health_checks import check_journal  # noqa: PLC0415  no start waits for it

        with suppress(OperatorError):  # the store's own check tells that
            await self.find()
        return await check_journal(self.store, self.path)

    async def aclose(self) -> None:
        """Close the file, and release this process's locks."""
        try:
            await self.store.aclose()
            await self._owner.aclose()
        finally:
            self.processes.release_all()


def _prepare(connection: sqlite3.Connection) -> None:
    """Have SQLite overwrite pruned rows with zeros."""
    connection.execute("PRAGMA secure_delete = ON")
