"""The journal in a PostgreSQL database, shared safely by any number of replicas."""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, Unpack

from anyio import CancelScope, to_thread

from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import OperatorError
from taskhand.journal.journal_owner import ACCOUNT_NAMES, JournalOwner
from taskhand.journal.sql_journal import JournalOptions, SqlJournal
from taskhand.journal.verification import NEWEST, describe_rows, verify_chain
from taskhand.postgres.database import Database
from taskhand.postgres.migrations import PostgresKind
from taskhand.postgres.process_lease import LEASE_S, SESSIONS, Lease
from taskhand.postgres.store import PostgresStore
from taskhand.postgres.task_locks import SharedTaskLocks
from taskhand.sql.connection import SqlConnection

__all__ = ["JOURNAL", "PostgresJournal"]

JOURNAL: Final = PostgresKind("journal", "journal", "taskhand.journal", lock=1)

_KEEP: Final = "Keep a copy of the database as evidence."


class PostgresJournal(SqlJournal):
    """Changes in one PostgreSQL database."""

    def __init__(
        self,
        database: Database,
        *,
        owner: JournalOwner,
        lease_s: float = LEASE_S,
        uptime: Callable[[], float] | None = None,
        **options: Unpack[JournalOptions],
    ) -> None:
        """`lease_s` is the number of seconds without a renewal after which other processes count a process as dead.

        `uptime` returns seconds, including those in which this process was paused.
        """
        storage = _PostgresJournalStorage(
            database, owner, lambda store: Lease(store, lease_s=lease_s, monotonic=uptime)
        )
        super().__init__(storage, **options)


class _PostgresJournalStorage:
    """The schema of the journal, and the leases of processes."""

    def __init__(self, database: Database, owner: JournalOwner, lease: Callable[[PostgresStore], Lease]) -> None:
        self._database = database
        self._owner = owner
        self.store = PostgresStore(database, JOURNAL)
        self._sessions = PostgresStore(database, SESSIONS)
        self.processes = lease(self._sessions)
        self.locks = _AccountLocks(self, database, SharedTaskLocks(self._sessions, self.processes))

    async def find(self) -> None:
        """Do nothing: the database is given."""

    async def locate(self) -> str:
        """The name of the database."""
        return self._database.location

    async def find_account_names(self, *, create: bool) -> tuple[str, ...]:
        """The names of the owner in the journal."""
        return await self._owner.find_account_names(self._read_account_names, create=create)

    async def is_held(self, session: str) -> bool:
        """Whether this process still owns the session; reads the database if that is uncertain."""
        return self.processes.is_fresh(session) or await self._database.in_thread(
            partial(self.processes.is_held, session)
        )

    async def check_health(self) -> CheckResult:
        """Check that the journal can be written, and that no row was altered."""
        try:
            if not await self.store.exists():
                return CheckResult("journal", "ok", f"There is no journal in {self._database.location} yet.")
            await self.store.write(lambda _: None)
            verification, under_way = await self.store.read(
                lambda connection: (
                    verify_chain(connection, newest=NEWEST),
                    connection.execute("SELECT count(*) FROM under_way").fetchone()[0],
                )
            )
        except OperatorError as error:
            return CheckResult("journal", "failed", error.message, error.next_step)
        where = f"The journal in {self._database.location}"
        if verification.fault:
            sentence = f"{where} was altered: row {verification.fault.seq} is not right, {verification.fault.problem}."
            return CheckResult("journal", "failed", sentence, f"{_KEEP} `taskhand journal verify` says more.")
        rows = f"{where}: {describe_rows(verification)}; open changes: {under_way}."
        return CheckResult("journal", "ok", rows)

    async def aclose(self) -> None:
        """Release the session of this process, and close the connections."""
        try:
            with suppress(OperatorError):  # the others detect it by the expired lease
                await to_thread.run_sync(self.processes.release_all, abandon_on_cancel=True)
        finally:
            await self.store.aclose()
            await self._sessions.aclose()
            await self._owner.aclose()

    async def _read_account_names(self) -> Sequence[str]:
        def read(connection: SqlConnection) -> list[str]:
            return [str(row["place"]) for row in connection.execute(ACCOUNT_NAMES)]

        return await self.store.read(read)


class _AccountLocks:
    """The locks of an owner: other owners may have tasks of the same ids."""

    def __init__(self, storage: _PostgresJournalStorage, database: Database, locks: SharedTaskLocks) -> None:
        self._storage = storage
        self._database = database
        self._locks = locks
        self._account_name: str | None = None

    async def acquire(
        self,
        names: Collection[str],
        *,
        has_cache: bool = True,  # noqa: ARG002  the locks have the names in any case
    ) -> frozenset[str] | None:
        """Acquire the locks of these names; returns those that another process held last."""
        by_lock_name = dict(zip(await self._with_account_name(names), names, strict=True))
        others = await self._database.in_thread(partial(self._locks.acquire, by_lock_name))
        return None if others is None else frozenset(by_lock_name[account_name] for account_name in others)

    async def release(self, names: Collection[str]) -> None:
        """Release the locks of these names; never raises."""
        with CancelScope(shield=True):
            await self._database.in_thread(partial(self._locks.release, await self._with_account_name(names)))

    async def _with_account_name(self, names: Collection[str]) -> list[str]:
        if self._account_name is None:
            self._account_name, *_ = await self._storage.find_account_names(create=True)
        return [f"{self._account_name} {name}" for name in names]
