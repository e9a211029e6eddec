"""The journal in one SQLite file, shared safely by any number of processes."""

import logging
import math
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from anyio import to_thread

from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import OperatorError
from taskhand.journal import queries, writes
from taskhand.journal.entry import Entry, ending_entry, opening_entries, result_entries, revised_entries
from taskhand.journal.health_checks import check_journal
from taskhand.journal.journal import Change, ChangePage, ChangeQuery, Claim, Ending, Intent, Opening, Result
from taskhand.journal.process_lock import ProcessLock
from taskhand.journal.pruning import PORTION, prune
from taskhand.journal.redact import Redaction
from taskhand.journal.verification import Verification, verify_chain
from taskhand.sqlite.connection import BUSY_S, DatabaseKind
from taskhand.sqlite.store import Store

__all__ = ["JOURNAL", "NewId", "SqliteJournal"]

JOURNAL: Final = DatabaseKind("journal", "TASKHAND_JOURNAL", "taskhand.journal")

NewId = Callable[[str, int], str]
"""An id for a new change: from `chg` or `plan`, and which change of the journal it is, counted from 1."""

_T = TypeVar("_T")

_log = logging.getLogger(__name__)

_LOOK_EVERY_S: Final = 5.0
"""How often changes that others left open are looked for, in seconds."""
_CHUNK: Final = 500
"""Rows that are exported at a time."""


class SqliteJournal:
    """Changes in one SQLite file: rows that are only added, each tied to all before it by its hash.

    One file may serve several places where tasks live; a journal sees the changes of its own, but for `verify`,
    `export` and `prune`, which are about the file.
    """

    def __init__(
        self,
        path: Path,
        *,
        place: str,
        clock: Callable[[], datetime],
        new_id: NewId,
        secrets: Iterable[str] = (),
        keep_days: int = 0,
        monotonic: Callable[[], float] = time.monotonic,
        busy_s: float = BUSY_S,
    ) -> None:
        """`place` names the backend and account; `clock` answers an aware datetime.

        `secrets` are masked in arguments; changes older than `keep_days` are pruned, 0 keeps them for ever;
        `monotonic` answers seconds; `busy_s` is how long another process that writes is waited for.
        """
        self._path = path
        self._place = place
        self._clock = clock
        self._new_id = new_id
        self._redaction = Redaction(secrets)
        self._keep_days = keep_days
        self._store = Store(path, JOURNAL, prepare=_prepare, busy_s=busy_s)
        self._process_lock = ProcessLock(path)
        self._pruned: datetime | None = None
        self._was_swept = False
        self._unwritten: list[Callable[[sqlite3.Connection], None]] = []
        self._monotonic = monotonic
        self._look_again_at = -math.inf

    async def begin(self, opening: Opening, intents: Sequence[Intent]) -> tuple[Change, bool]:
        """Write down what is about to be done, on disk when this returns; the change, and whether it is new.

        Where a claim is held, the newest change that has it is answered, the first claim's before the second's. Of
        `arguments` and `reason`, credentials are masked.
        """
        await self._catch_up()
        if self._pruned is None or self._clock() - self._pruned >= timedelta(days=1):
            self._pruned = self._clock()
            await self.prune()
        return await self._store.write(partial(self._begin, self._redact_opening(opening), intents), tasks=len(intents))

    async def revise(self, change_id: str, intents: Sequence[Intent]) -> None:
        """Write down that these are the intents now, on disk when this returns."""
        entries = revised_entries(change_id, self._place, self._clock(), intents)
        await self._store.write(partial(writes.append, entries=entries))

    async def settle(self, change_id: str, results: Sequence[Result], ending: Ending | None = None) -> None:
        """Write down what came of it; of two results for one place, and of two endings, the later one counts."""
        entries = self._outcome_entries(change_id, results, ending)

        def work(connection: sqlite3.Connection) -> None:
            writes.append(connection, entries)
            if ending is not None:
                writes.close_change(connection, change_id)

        # Lost in a power cut, the outcome is learned by looking at the tasks, like that of any open change.
        try:
            await self._store.write(work, durable=False, tasks=len(results))
        except OperatorError:
            _log.exception("the outcome of %s could not be written to the journal yet", change_id)
            self._unwritten.append(work)

    async def record(
        self, opening: Opening, ending: Ending, intents: Sequence[Intent] = (), results: Sequence[Result] = ()
    ) -> Change:
        """Write down a change that is over already, or that is only a plan; the id of a plan says so."""
        await self._catch_up()
        opening = self._redact_opening(opening)

        def work(connection: sqlite3.Connection) -> Change:
            change_id = self._unused_id(connection, "plan" if ending.outcome == "planned" else "chg")
            first = opening_entries(change_id, self._place, opening, intents, None)
            writes.append(connection, [*first, *self._outcome_entries(change_id, results, ending)])
            return Change(change_id, opening, tuple(intents), {one.place: one for one in results}, ending)

        return await self._store.write(work, durable=False, tasks=len(intents) + len(results))

    async def holder(self, claims: Sequence[Claim]) -> Change | None:
        """The newest change that holds one of the claims, the first claim's before the second's."""
        return await self._peek(lambda connection: queries.find_holder(connection, self._place, claims))

    async def find(self, change_id: str) -> Change | None:
        """One change of this place, whole."""
        return await self._peek(lambda connection: queries.find_change(connection, self._place, change_id))

    async def page(self, query: ChangeQuery) -> ChangePage:
        """Changes of this place, newest first; CallerError for a cursor that is none."""
        return await self._peek(lambda connection: queries.find_page(connection, self._place, query))

    async def abandoned(self) -> tuple[Change, ...]:
        """Open changes of this place whose process is gone, oldest first.

        They are this process's to settle from now on: no other one is told of them, unless this one goes too. Every
        write asks: where nothing was found a moment ago, nobody looks again.
        """
        if self._monotonic() < self._look_again_at:
            return ()
        if not await to_thread.run_sync(self._path.exists):
            return ()  # looking for what others left open is no reason to make a file
        found = await self._find_left_open()
        self._look_again_at = self._monotonic() + (0.0 if found else _LOOK_EVERY_S)
        return found

    async def _peek(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """What the journal says, with the outcomes that came late where they can be written by now."""
        with suppress(OperatorError):
            await self._catch_up()
        return await self._store.peek(work)

    async def _catch_up(self) -> None:
        """Write down the outcomes that could not be written when they came; OperatorError where they still cannot."""
        while self._unwritten:
            work = self._unwritten.pop(0)
            try:
                await self._store.write(work, durable=False)
            except OperatorError:
                self._unwritten.insert(0, work)
                raise

    async def _find_left_open(self) -> tuple[Change, ...]:
        sessions = await self._store.peek(self._other_sessions)
        if not self._was_swept:
            self._was_swept = True
            sessions |= set(self._process_lock.other_sessions())
        if not sessions:
            return ()
        # A transaction of its own: what another process settled before it let go of a lock must be seen.
        return await self._store.read(partial(self._take_over, sessions))

    async def prune(self) -> int:
        """Remove what is older than the journal is to be kept; how many rows. Others can write in between."""
        if not self._keep_days:
            return 0
        now = self._clock()
        portion = partial(prune, before=now - timedelta(days=self._keep_days), now=now)
        gone = 0
        while rows := await self._store.write(portion, tasks=PORTION):
            gone += rows
        return gone

    async def verify(self, noted: str | None = None) -> Verification:
        """Look for rows that were altered or removed; `noted` is the hash of a head that was noted earlier."""
        return await self._store.read(partial(verify_chain, noted=noted))

    async def examine(self) -> tuple[CheckResult, ...]:
        """Whether the file is sound, whole and writable."""
        return (await check_journal(self._store, self._path),)

    async def export(self) -> AsyncIterator[str]:
        """Every row as a line of JSON, oldest first: `seq`, `hash`, and `body` byte for byte as it was hashed."""
        rows = await self._store.read(partial(_exported, after=0))
        while rows:
            for _, line in rows:
                yield line
            rows = await self._store.read(partial(_exported, after=rows[-1][0]))

    async def aclose(self) -> None:
        """Let go of the file, and of this process's place among the living."""
        try:
            with suppress(OperatorError):
                await self._catch_up()
            if self._process_lock.taken_over:
                with suppress(OperatorError):
                    await self._store.read(partial(self._take_over, set(self._process_lock.taken_over)))
            await self._store.aclose()
        finally:
            self._process_lock.release_all()

    def _begin(
        self, opening: Opening, intents: Sequence[Intent], connection: sqlite3.Connection
    ) -> tuple[Change, bool]:
        held = queries.find_holder(connection, self._place, opening.claims)
        if held is not None:
            return held, False
        self._process_lock.acquire()
        change_id, session = self._unused_id(connection, "chg"), self._process_lock.session
        entries = opening_entries(change_id, self._place, opening, intents, session)
        writes.open_change(connection, entries, opening, session)
        return Change(change_id, opening, tuple(intents)), True

    def _redact_opening(self, opening: Opening) -> Opening:
        """The opening as it may be kept: whatever a caller chose can hold a credential."""
        mask, caller = self._redaction.mask, opening.caller
        return replace(
            opening,
            arguments=self._redaction.arguments(opening.arguments),
            reason=opening.reason and mask(opening.reason),
            caller=replace(
                caller, name=caller.name and mask(caller.name), version=caller.version and mask(caller.version)
            ),
        )

    def _redact_result(self, result: Result) -> Result:
        """A result as it may be kept: the id of a task that is not there is whatever was sent."""
        if result.outcome != "refused" or result.task_id is None:
            return result
        return replace(result, task_id=self._redaction.mask(result.task_id))

    def _outcome_entries(self, change_id: str, results: Sequence[Result], ending: Ending | None) -> list[Entry]:
        now = self._clock()
        entries = result_entries(change_id, self._place, now, [self._redact_result(one) for one in results])
        return entries if ending is None else [*entries, ending_entry(change_id, self._place, now, ending)]

    def _unused_id(self, connection: sqlite3.Connection, prefix: str) -> str:
        while True:
            change_id = self._new_id(prefix, writes.count_change(connection))
            if not queries.has_change(connection, change_id):
                return change_id

    def _other_sessions(self, connection: sqlite3.Connection) -> set[str]:
        sql = "SELECT DISTINCT session FROM under_way WHERE session != ?"
        rows = connection.execute(sql, (self._process_lock.session,))
        return {row["session"] for row in rows} | self._process_lock.taken_over

    def _take_over(self, sessions: set[str], connection: sqlite3.Connection) -> tuple[Change, ...]:
        """The open changes of those sessions that are over; what nobody needs of them any more is removed."""
        gone = [session for session in sorted(sessions) if self._process_lock.take_over(session)]
        rows = queries.open_changes(connection, gone)
        ours = [row for row in rows if row["place"] == self._place]
        for session in gone:
            if not any(row["session"] == session for row in rows):
                self._process_lock.delete(session)
            elif not any(row["session"] == session for row in ours):
                self._process_lock.release(session)
        return queries.load_changes(connection, [row["change_id"] for row in ours])


def _prepare(connection: sqlite3.Connection) -> None:
    """Pruned rows are written over, not only forgotten."""
    connection.execute("PRAGMA secure_delete = ON")


def _exported(connection: sqlite3.Connection, after: int) -> list[tuple[int, str]]:
    sql = "SELECT seq, hash, body FROM entry WHERE seq > ? ORDER BY seq LIMIT ?"
    rows = connection.execute(sql, (after, _CHUNK)).fetchall()
    return [(row["seq"], f'{{"seq":{row["seq"]},"hash":"{row["hash"]}","body":{row["body"]}}}') for row in rows]
