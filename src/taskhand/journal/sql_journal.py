"""The journal in a database, shared safely by any number of processes."""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Required, TypedDict, TypeVar

from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import CommitUnknown, OperatorError
from taskhand.journal import change_lookup
from taskhand.journal.abandoned_changes import AbandonedChanges
from taskhand.journal.change_writer import ChangeWriter, NewId
from taskhand.journal.journal import (
    Change,
    ChangePage,
    ChangeQuery,
    Claim,
    Ending,
    Intent,
    Opening,
    Result,
    SharedLocks,
)
from taskhand.journal.masking import Masking
from taskhand.journal.pending_writes import Backlog
from taskhand.sql.connection import SqlConnection

if TYPE_CHECKING:
    from taskhand.journal.storage import JournalStorage
    from taskhand.journal.verification import Verification
    from taskhand.sql.store import SqlStore

__all__ = ["JournalOptions", "SqlJournal"]

_T = TypeVar("_T")

_log = logging.getLogger(__name__)


class JournalOptions(TypedDict, total=False):
    """The keywords of every SqlJournal."""

    clock: Required[Callable[[], datetime]]
    new_id: Required[NewId]
    secrets: Iterable[str]
    keep_days: int
    monotonic: Callable[[], float]


class SqlJournal:
    """Changes in one database: rows are only added, and each is chained to all earlier ones by its hash.

    One database may hold the changes of several accounts, by their names (`place`). A journal sees only those of its
    own account, except that `verify` and `prune` treat the whole of it.
    """

    def __init__(
        self,
        storage: "JournalStorage",
        *,
        clock: Callable[[], datetime],
        new_id: NewId,
        secrets: Iterable[str] = (),
        keep_days: int = 0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`storage` is where the rows are; `clock` is aware of its zone.

        `secrets` are masked in arguments; changes older than `keep_days` are pruned, 0 keeps them for ever;
        `monotonic` returns seconds.
        """
        self._storage = storage
        self._account_names: tuple[str, ...] = ()
        self._clock = clock
        self._new_id = new_id
        self._masking = Masking(secrets)
        self._keep_days = keep_days
        self._pruned: datetime | None = None
        self._backlog = Backlog()
        self._abandoned = AbandonedChanges(storage, monotonic)

    def mask_own(self, person: str, secrets: Sequence[str]) -> None:
        """Mask also the credentials that a person's own requests bear, from the next row on."""
        self._masking.add(person, secrets)

    @property
    def session(self) -> str:
        """The name of this process in the changes that it begins."""
        return self._storage.processes.session

    async def is_held(self, session: str) -> bool:
        """Whether this process still owns the session, so that no other process ends the changes begun in it."""
        return await self._storage.is_held(session)

    @property
    def locks(self) -> SharedLocks:
        """The locks on tasks that the processes share."""
        return self._storage.locks

    async def begin(self, opening: Opening, intents: Sequence[Intent]) -> tuple[Change, bool]:
        """Write the change down before it is sent, on disk when this returns; the change, and whether it is new.

        If a claim is held, the newest change that holds it is returned; the claims are tried in their order.
        Credentials are masked in `arguments`, `reason` and the caller's name.
        """
        await self.account_names(create=True)
        await self._catch_up()
        if self._pruned is None or opening.at - self._pruned >= timedelta(days=1):
            self._pruned = opening.at
            await self.prune()
        begun: list[Change] = []
        try:
            return await self._store.write(self._writer.begin(opening, intents, begun), tasks=len(intents))
        except CommitUnknown:
            if begun:
                self._backlog.add(self._writer.end_unsent(begun[-1]))
            raise

    async def resume(self, change: Change, indexes: Collection[int]) -> tuple[Change, bool]:
        """Reopen a change to resume these of its intents, on disk when this returns; whether it was reopened."""
        await self.account_names()
        await self._catch_up()
        return await self._store.write(self._writer.resume(change, indexes), tasks=len(indexes))

    async def revise(self, change_id: str, intents: Sequence[Intent]) -> None:
        """Replace the intents of a change, on disk when this returns."""
        await self._store.write(self._writer.revise(change_id, intents))

    async def settle(self, change_id: str, results: Sequence[Result], ending: Ending | None = None) -> None:
        """Write down results; the later of two results for one intent counts, and the later of two endings."""
        work = self._writer.settle(change_id, results, ending)
        # Not durable: after a power cut the change is open again, and recovery reads the tasks back.
        try:
            await self._catch_up()  # the later of two results counts, so they are written in their order
            await self._store.write(work, durable=False, tasks=len(results))
        except OperatorError as error:
            _log.error("the outcome of %s could not be written to the journal yet: %s", change_id, error.message)
            self._backlog.add(work)

    async def record(
        self, opening: Opening, ending: Ending, intents: Sequence[Intent] = (), results: Sequence[Result] = ()
    ) -> Change:
        """Write down a change that has already ended, or a plan, whose id begins with `plan`."""
        await self.account_names(create=True)
        await self._catch_up()
        work = self._writer.record(opening, ending, intents, results)
        return await self._store.write(work, durable=False, tasks=len(intents) + len(results))

    async def holder(self, claims: Sequence[Claim], *, even_void: bool = False) -> Change | None:
        """The newest change that holds one of the claims, which are tried in their order, or that made it."""
        return await self._peek(
            lambda connection: change_lookup.find_claiming_change(
                connection, self._account_names, claims, even_void=even_void
            )
        )

    async def find(self, change_id: str) -> Change | None:
        """The change with this id; None if this account has none."""
        return await self._peek(
            lambda connection: change_lookup.read_change(connection, self._account_names, change_id)
        )

    async def page(self, query: ChangeQuery) -> ChangePage:
        """Changes of this account, newest first; CallerError for an invalid cursor."""
        return await self._peek(lambda connection: change_lookup.find_page(connection, self._account_names, query))

    async def abandoned_changes(self) -> tuple[Change, ...]:
        """Open changes of this account whose process has ended, oldest first.

        This process takes them over, so no other process gets them while this one lives. Every write calls this, so a
        search without a result is not repeated for a few seconds.
        """
        if not self._abandoned.is_due or not await self.exists():
            return ()  # a search must not create the journal
        return await self._abandoned.find(await self.account_names())

    async def prune(self) -> int:
        """Remove changes older than `keep_days`, as many as one day allows; return the number of removed rows.

        Other processes can write in between.
        """
        if not self._keep_days:
            return 0
        from taskhand.journal.pruning import PORTION, prune_share  # noqa: PLC0415  no start waits for it

        await self._storage.find()
        portion = partial(prune_share, now=self._clock(), keep=timedelta(days=self._keep_days))
        removed = 0
        while rows := await self._store.write(portion, tasks=PORTION):
            removed += rows
        return removed

    async def verify(self, noted: str | None = None) -> "Verification":
        """Look for rows that were altered, added or removed; `noted` is the hash of a head that was noted earlier."""
        from taskhand.journal.verification import verify_chain  # noqa: PLC0415  no start waits for it

        await self._storage.find()
        return await self._store.read(partial(verify_chain, noted=noted))

    async def exists(self) -> bool:
        """Whether the journal exists; OperatorError if that cannot be read."""
        await self._storage.find()
        return await self._store.exists()

    async def locate(self) -> Path | str:
        """The file, which may not exist yet, or the name of the database; OperatorError if it cannot be found."""
        return await self._storage.locate()

    async def account_names(self, *, create: bool = False) -> tuple[str, ...]:
        """The names of the backend and account in the journal; OperatorError if they cannot be read."""
        self._account_names = await self._storage.find_account_names(create=create)
        return self._account_names

    async def check_access(self) -> None:
        """Check that the journal can be written, if it exists; OperatorError if it cannot."""
        if await self.exists():
            await self._store.write(lambda _: None, durable=False)

    async def check_health(self) -> tuple[CheckResult, ...]:
        """Check that the journal is sound, complete and writable."""
        return (await self._storage.check_health(),)

    async def aclose(self) -> None:
        """Close the journal, and release the session of this process."""
        try:
            with suppress(OperatorError):
                await self._catch_up()
            with suppress(OperatorError):
                await self._abandoned.release(self._account_names)
        finally:
            await self._storage.aclose()

    @property
    def _store(self) -> "SqlStore":
        return self._storage.store

    @property
    def _writer(self) -> ChangeWriter:
        return ChangeWriter(self._account_names, self._storage.processes, self._masking, self._clock, self._new_id)

    async def _peek(self, work: Callable[[SqlConnection], _T]) -> _T:
        """Read the journal, after a try to write the results that could not be written earlier."""
        await self.account_names()
        with suppress(OperatorError):
            await self._catch_up()
        return await self._store.peek(work)

    async def _catch_up(self) -> None:
        """Write down the results that could not be written earlier; OperatorError if that still fails."""
        await self._backlog.catch_up(self._store)
