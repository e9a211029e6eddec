"""The protocols of the storage of a journal: a file or a database, and the processes that share it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from taskhand.domain.check_result import CheckResult
from taskhand.journal.journal import SharedLocks
from taskhand.sql.store import SqlStore

__all__ = ["JournalStorage", "Processes"]


class Processes(Protocol):
    """The live processes that use the journal. Its methods are called within a transaction, so they are quick.

    A process that takes over a dead one is the only one that settles the dead one's open changes.
    """

    @property
    def session(self) -> str:
        """The name of this process among those that use the journal."""
        ...

    @property
    def taken_over(self) -> frozenset[str]:
        """The dead processes that this process has taken over."""
        ...

    def acquire(self) -> None:
        """Register this process as alive until `release_all`. Raises if that is not possible."""
        ...

    def is_held(self, session: str) -> bool:
        """Whether this process still owns the session, so that no other process acts for it."""
        ...

    def other_sessions(self) -> Iterable[str]:
        """Processes, dead and alive, that may have left other data than open changes."""
        ...

    def take_over(self, session: str) -> bool:
        """Take over another process; False if that process is alive, or was taken over by a third."""
        ...

    def release(self, session: str) -> None:
        """Release a process that was taken over, so that another process can take it over."""
        ...

    def delete(self, session: str) -> None:
        """Delete a process that was taken over: it has no open changes left."""
        ...


class JournalStorage(Protocol):
    """The store of a journal and its owner. Every method raises OperatorError if the store cannot be used."""

    @property
    def store(self) -> SqlStore:
        """The rows."""
        ...

    @property
    def processes(self) -> Processes:
        """The processes that use the journal."""
        ...

    @property
    def locks(self) -> SharedLocks:
        """The locks that the processes share."""
        ...

    async def find(self) -> None:
        """Find the store of the rows; `store` and `processes` are valid from then on."""
        ...

    async def locate(self) -> Path | str:
        """The file, which may not exist yet, or the name of the database."""
        ...

    async def find_account_names(self, *, create: bool) -> tuple[str, ...]:
        """As `find`, then the owner's names in the journal: new changes get the first.

        `create` makes a built-in store that has none yet.
        """
        ...

    async def is_held(self, session: str) -> bool:
        """As `processes.is_held`, without keeping the event loop waiting."""
        ...

    async def check_health(self) -> CheckResult:
        """Check that the journal is sound, complete and writable; changes and creates nothing, never raises."""
        ...

    async def aclose(self) -> None:
        """Close the journal, and release the session of this process."""
        ...
