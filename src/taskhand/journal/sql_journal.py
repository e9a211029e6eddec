"""The journal in a database, shared safely by any number of processes."""

import logging
import math
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import OperatorError
from taskhand.journal import queries, writes
from taskhand.journal.backlog import Backlog
from taskhand.journal.entry import (
    Entry,
    ending_entry,
    late_entries,
    opening_entries,
    result_entries,
    resumed_entry,
    revised_entries,
    taken_over_entries,
)
from taskhand.journal.journal import Change, ChangePage, ChangeQuery, Claim, Ending, Intent, Opening, Result
from taskhand.journal.masking import Masking
from taskhand.sql.connection import SqlConnection

if TYPE_CHECKING:
    from taskhand.journal.storage import JournalStorage, Processes
    from taskhand.journal.verification import Verification
    from taskhand.sql.store import SqlStore

__all__ = ["NewId", "SqlJournal"]

NewId = Callable[[str, int], str]
"""Makes the id of a new change from its prefix (`chg` or `plan`) and its number in the journal, from 1."""

_T = TypeVar("_T")

_log = logging.getLogger(__name__)

_LOOK_EVERY_S: Final = 5.0
"""Seconds between two searches for changes that dead processes left open."""


class SqlJournal:
    """Changes in one database: rows are only added, and each is chained to all earlier ones by its hash.

    One database may hold the changes of several backends and accounts (`place`). A journal sees only those of its own
    place, except that `verify` and `prune` treat the whole of it.
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
        self._places: tuple[str, ...] = ()
        self._clock = clock
        self._new_id = new_id
        self._masking = Masking(secrets)
        self._keep_days = keep_days
        self._pruned: datetime | None = None
        self._was_swept = False
        self._backlog = Backlog()
        self._monotonic = monotonic
        self._look_again_at = -math.inf

    def mask_own(self, person: str, secrets: Sequence[str]) -> None:
        """Mask also the credentials that a person's own requests bear, from the next row on."""
        self._masking.add(person, secrets)

    @property
    def session(self) -> str:
        """The name of this process in the changes that it begins."""
        return self._processes.session

    async def is_held(self, session: str) -> bool:
        """Whether this process still owns the session, so that no other process ends the changes begun in it."""
        return await self._storage.is_held(session)

    async def acquire_locks(self, names: Collection[str]) -> frozenset[str] | None:
        """Acquire the locks of these names; returns those that another process held last, None if one is held now."""
        return await self._storage.acquire_locks(names)

    async def release_locks(self, names: Collection[str]) -> None:
        """Release the locks of these names; never raises."""
        await self._storage.release_locks(names)

    async def begin(self, opening: Opening, intents: Sequence[Intent]) -> tuple[Change, bool]:
        """Write the change down before it is sent, on disk when this returns; the change, and whether it is new.

        If a claim is held, the newest change that holds it is returned; the claims are tried in their order.
        Credentials are masked in `arguments`, `reason` and the caller's name.
        """
        await self.places(create=True)
        await self._catch_up()
        if self._pruned is None or self._clock() - self._pruned >= timedelta(days=1):
            self._pruned = self._clock()
            await self.prune()
        begun: list[Change] = []
        begin = partial(self._begin, self._masking.mask_opening(opening), intents, begun)
        try:
            return await self._store.write(begin, tasks=len(intents))
        except OperatorError as error:
            if error.details.get("in_doubt") and begun:
                self._backlog.add(partial(self._end_unsent, begun[-1]))
            raise

    async def resume(self, change: Change, indexes: Collection[int]) -> tuple[Change, bool]:
        """Reopen a change to resume these of its intents, on disk when this returns; whether it was reopened."""
        await self.places()
        await self._catch_up()
        return await self._store.write(partial(self._resume, change, indexes), tasks=len(indexes))

    async def revise(self, change_id: str, intents: Sequence[Intent]) -> None:
        """Replace the intents of a change, on disk when this returns."""
        entries = self._masking.mask_entries(revised_entries(change_id, self._places[0], self._clock(), intents))

        def work(connection: SqlConnection) -> None:
            if queries.find_session(connection, change_id) != self.session:
                from taskhand.domain.change_ownership import taken_over_error  # noqa: PLC0415  no start waits for it

                raise taken_over_error()
            writes.append(connection, entries)

        await self._store.write(work)

    async def settle(self, change_id: str, results: Sequence[Result], ending: Ending | None = None) -> None:
        """Write down results; the later of two results for one intent counts, and the later of two endings."""
        now = self._clock()
        entries = self._outcome_entries(change_id, results, ending, now)

        def work(connection: SqlConnection) -> None:
            self._settle(connection, change_id, entries, ends=ending is not None)

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
        await self.places(create=True)
        await self._catch_up()
        opening, now = self._masking.mask_opening(opening), self._clock()

        def work(connection: SqlConnection) -> Change:
            change_id = self._unused_id(connection, "plan" if ending.outcome == "planned" else "chg")
            first = self._masking.mask_entries(opening_entries(change_id, self._places[0], opening, intents, None))
            writes.append(connection, [*first, *self._outcome_entries(change_id, results, ending, now)])
            by_index = {one.index: one for one in results}
            return Change(change_id, opening, tuple(intents), by_index, ending, now)

        return await self._store.write(work, durable=False, tasks=len(intents) + len(results))

    async def holder(self, claims: Sequence[Claim], *, even_void: bool = False) -> Change | None:
        """The newest change that holds one of the claims, which are tried in their order, or that made it."""
        return await self._peek(
            lambda connection: queries.find_holder(connection, self._places, claims, even_void=even_void)
        )

    async def find(self, change_id: str) -> Change | None:
        """The change with this id; None if this place has none."""
        return await self._peek(lambda connection: queries.find_change(connection, self._places, change_id))

    async def page(self, query: ChangeQuery) -> ChangePage:
        """Changes of this place, newest first; CallerError for an invalid cursor."""
        return await self._peek(lambda connection: queries.find_page(connection, self._places, query))

    async def abandoned(self) -> tuple[Change, ...]:
        """Open changes of this place whose process has ended, oldest first.

        This process takes them over, so no other process gets them while this one lives. Every write calls this, so a
        search without a result is not repeated for a few seconds.
        """
        if self._monotonic() < self._look_again_at:
            return ()
        if not await self.exists():
            return ()  # a search must not create the journal
        await self.places()
        found = await self._find_left_open()
        self._look_again_at = self._monotonic() + (0.0 if found else _LOOK_EVERY_S)
        return found

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

    async def places(self, *, create: bool = False) -> tuple[str, ...]:
        """The names of the backend and account in the journal; OperatorError if they cannot be read."""
        self._places = await self._storage.find_places(create=create)
        return self._places

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
            if self._processes.taken_over:
                with suppress(OperatorError):
                    await self._store.read(partial(self._take_over, set(self._processes.taken_over)))
        finally:
            await self._storage.aclose()

    @property
    def _store(self) -> "SqlStore":
        return self._storage.store

    @property
    def _processes(self) -> "Processes":
        return self._storage.processes

    async def _peek(self, work: Callable[[SqlConnection], _T]) -> _T:
        """Read the journal, after a try to write the results that could not be written earlier."""
        await self.places()
        with suppress(OperatorError):
            await self._catch_up()
        return await self._store.peek(work)

    async def _catch_up(self) -> None:
        """Write down the results that could not be written earlier; OperatorError if that still fails."""
        await self._backlog.catch_up(self._store)

    async def _find_left_open(self) -> tuple[Change, ...]:
        sessions = await self._store.peek(self._other_sessions)
        if not self._was_swept:
            self._was_swept = True
            sessions |= set(self._processes.other_sessions())
        if not sessions:
            return ()
        # A new transaction, to see what another process settled before it released a lock.
        return await self._store.read(partial(self._take_over, sessions))

    def _begin(
        self, opening: Opening, intents: Sequence[Intent], begun: list[Change], connection: SqlConnection
    ) -> tuple[Change, bool]:
        """Begin a change, which is added to `begun`, unless one of its claims is held."""
        held = queries.find_holder(connection, self._places, opening.claims)
        if held is not None:
            return held, False
        self._processes.acquire()
        change_id, session = self._unused_id(connection, "chg"), self._processes.session
        entries = self._masking.mask_entries(opening_entries(change_id, self._places[0], opening, intents, session))
        writes.begin_change(connection, entries, opening, session)
        begun.append(Change(change_id, opening, tuple(intents), session=session))
        return begun[-1], True

    def _end_unsent(self, change: Change, connection: SqlConnection) -> None:
        """End a change whose begin may not have been stored, and for which nothing was sent."""
        if queries.find_session(connection, change.id) is not None:
            results = [Result(index, "not_attempted", one.task_id) for index, one in enumerate(change.intents)]
            ending = Ending("not_attempted", code="store_unavailable")
            writes.append(connection, self._outcome_entries(change.id, results, ending, self._clock()))
            writes.end_change(connection, change.id)

    def _resume(self, seen: Change, indexes: Collection[int], connection: SqlConnection) -> tuple[Change, bool]:
        (current,) = queries.load_changes(connection, [seen.id])
        if current.ending is None or any(current.results.get(one) != seen.results.get(one) for one in indexes):
            return current, False
        self._processes.acquire()
        session = self._processes.session
        entry = resumed_entry(seen.id, self._places[0], self._clock(), indexes, session)
        writes.resume_change(connection, entry, session)
        (resumed,) = queries.load_changes(connection, [seen.id])
        return replace(resumed, session=session), True

    def _settle(self, connection: SqlConnection, change_id: str, entries: Sequence[Entry], *, ends: bool) -> None:
        """Write down results; as late ones if another process has resumed or ended the change."""
        by, session = queries.find_session(connection, change_id), self.session
        if by is not None:
            is_late = by != session and by not in self._processes.taken_over
        else:
            is_late = queries.find_ender(connection, change_id) != session
        if is_late:
            writes.append(connection, late_entries(entries))
            _log.warning("the outcome of %s arrived late: another process has settled the change meanwhile", change_id)
        else:
            writes.append(connection, taken_over_entries(entries, session) if by not in {None, session} else entries)
            if ends:
                writes.end_change(connection, change_id)
        if is_late or by not in {None, session}:
            from taskhand.journal.corrected_ending import correct_ending  # noqa: PLC0415  no start waits for it

            correct_ending(connection, change_id, self._places[0], self._clock())

    def _outcome_entries(
        self, change_id: str, results: Sequence[Result], ending: Ending | None, now: datetime
    ) -> list[Entry]:
        redacted = [self._masking.mask_result(one) for one in results]
        entries = self._masking.mask_entries(result_entries(change_id, self._places[0], now, redacted))
        return entries if ending is None else [*entries, ending_entry(change_id, self._places[0], now, ending)]

    def _unused_id(self, connection: SqlConnection, prefix: str) -> str:
        while True:
            change_id = self._new_id(prefix, writes.count_change(connection))
            if not queries.has_change(connection, change_id):
                return change_id

    def _other_sessions(self, connection: SqlConnection) -> set[str]:
        sql = "SELECT DISTINCT session FROM under_way WHERE session != ?"
        rows = connection.execute(sql, (self._processes.session,))
        return {row["session"] for row in rows} | self._processes.taken_over

    def _take_over(self, sessions: set[str], connection: SqlConnection) -> tuple[Change, ...]:
        """Take over those of the sessions that are dead, delete unneeded locks, and return the open changes."""
        dead = [session for session in sorted(sessions) if self._processes.take_over(session)]
        rows = queries.find_open_changes(connection, dead)
        ours = [row for row in rows if row["place"] in self._places]
        for session in dead:
            if not any(row["session"] == session for row in rows):
                self._processes.delete(session)
            elif not any(row["session"] == session for row in ours):
                self._processes.release(session)
        return queries.load_changes(connection, [row["change_id"] for row in ours])
