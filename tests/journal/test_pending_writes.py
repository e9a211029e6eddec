"""Results that cannot be written at first, because the store is away or another process holds it: none is lost."""

import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast

import anyio
import pytest

from file_stores import locked
from fixed_clock import FixedClock
from journal.open_journal import (
    APPLIED,
    begin,
    delete_intent,
    make_opening,
    open_journal,
    open_postgres_journal,
    rename_intent,
)
from taskhand.domain.errors import OperatorError
from taskhand.journal.journal import ChangeQuery, Result
from taskhand.journal.postgres import PostgresJournal
from taskhand.journal.sql_journal import SqlJournal
from taskhand.journal.sqlite import SqliteJournal
from taskhand.sql.connection import SqlConnection
from taskhand.sql.store import SqlStore


class FaultyStore:
    """A store that may be away, and whose next write may wait until it `goes_on`."""

    is_away = is_slow = False

    def __init__(self) -> None:
        self.waits, self.goes_on = anyio.Event(), anyio.Event()
        self.writes = 0
        self.store: SqlStore | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    async def write(self, work: Callable[[SqlConnection], Any], **how: Any) -> Any:
        """Write, unless it is away, and late if it is slow."""
        self.writes += 1
        is_slow, self.is_slow = self.is_slow, False
        if is_slow:
            self.waits.set()
            await self.goes_on.wait()
        if self.is_away:
            raise OperatorError("away", code="store_unavailable")
        assert self.store is not None
        return await self.store.write(work, **how)


class FaultyJournal(SqlJournal):
    """A journal in such a store."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.faulty_store = FaultyStore()

    @property
    def _store(self) -> SqlStore:
        self.faulty_store.store = self._storage.store
        return cast("SqlStore", self.faulty_store)


class FaultySqliteJournal(FaultyJournal, SqliteJournal):
    """In a file."""


class FaultyPostgresJournal(FaultyJournal, PostgresJournal):
    """In a database."""


@pytest.fixture(params=["sqlite", "postgres"])
async def faulty_journal(
    request: pytest.FixtureRequest, journal_file: Path, clock: FixedClock
) -> AsyncIterator[FaultyJournal]:
    """A journal whose store is away, or slow, when a test says so."""
    if request.param == "sqlite":
        async with open_journal(journal_file, clock=clock, kind=FaultySqliteJournal) as journal:
            assert isinstance(journal, FaultySqliteJournal)
            yield journal
    else:
        postgres = request.getfixturevalue("postgres")
        async with open_postgres_journal(postgres.url, clock=clock, kind=FaultyPostgresJournal) as journal:
            assert isinstance(journal, FaultyPostgresJournal)
            yield journal


async def leave_unwritten(journal: FaultyJournal) -> str:
    """A change of two tasks, the result of whose first could not be written; the next write is slow."""
    change = await begin(journal, None, rename_intent("t-1"), delete_intent("t-2"))
    journal.faulty_store.is_away = True
    await journal.settle(change.id, [Result(0, "applied", "t-1")])
    journal.faulty_store.is_away, journal.faulty_store.is_slow = False, True
    return change.id


async def rows_of(journal: SqlJournal) -> list[tuple[str, str | None]]:
    """The rows behind the intents, as they are in the store."""
    sql = "SELECT kind, task_id FROM entry WHERE kind IN ('result', 'ending') ORDER BY seq"
    return await journal._storage.store.read(  # noqa: SLF001  a read of the journal would write what waits
        lambda connection: [(str(row["kind"]), row["task_id"]) for row in connection.execute(sql)]
    )


@pytest.fixture
async def journal(journal_file: Path, clock: FixedClock) -> AsyncIterator[SqliteJournal]:
    """A journal that does not wait for other processes."""
    async with open_journal(journal_file, clock=clock, busy_s=0) as journal:
        yield journal


async def late(journal: SqliteJournal, path: Path) -> str:
    """A change whose result could not be written."""
    change = await begin(journal)
    with locked(path):
        await journal.settle(change.id, [Result(0, "applied", "t-1")], APPLIED)
    return change.id


async def test_logs_a_result_that_cannot_be_written_and_writes_it_before_the_next_read(
    journal: SqliteJournal, journal_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    change_id = await late(journal, journal_file)
    assert f"the outcome of {change_id} could not be written" in caplog.text
    found = await journal.find(change_id)
    assert found is not None
    assert found.outcome == "applied"


async def test_writes_a_late_result_before_a_list(journal: SqliteJournal, journal_file: Path) -> None:
    await late(journal, journal_file)
    assert [change.outcome for change in (await journal.page(ChangeQuery())).changes] == ["applied"]


async def test_reads_but_begins_nothing_while_a_result_cannot_be_written(
    journal: SqliteJournal, journal_file: Path
) -> None:
    change = await begin(journal)
    with locked(journal_file):
        await journal.settle(change.id, [Result(0, "applied", "t-1")], APPLIED)
        found = await journal.find(change.id)
        with pytest.raises(OperatorError) as refused:
            await journal.begin(make_opening(), [])
    assert refused.value.code == "store_busy"
    assert found is not None
    assert found.outcome == "open"
    await begin(journal)
    assert [one.outcome for one in (await journal.page(ChangeQuery())).changes] == ["open", "applied"]


async def test_writes_a_late_result_before_the_change_is_resumed_once_more(
    journal: SqliteJournal, journal_file: Path
) -> None:
    change = await begin(journal)
    await journal.settle(change.id, [Result(0, "not_attempted", "t-1")], APPLIED)
    seen = await journal.find(change.id)
    assert seen is not None
    await journal.resume(seen, [0])
    with locked(journal_file):
        await journal.settle(change.id, [Result(0, "applied", "t-1")], APPLIED)
    current, is_new = await journal.resume(seen, [0])
    assert (is_new, current.outcome, current.results[0].outcome) == (False, "applied", "applied")


async def test_a_late_result_is_written_when_the_journal_is_closed(journal_file: Path, clock: FixedClock) -> None:
    async with open_journal(journal_file, clock=clock, busy_s=0) as journal:
        change_id = await late(journal, journal_file)
    async with open_journal(journal_file, clock=clock) as journal:
        found = await journal.find(change_id)
        assert found is not None
        assert found.outcome == "applied"
        assert await journal.abandoned_changes() == ()


async def test_writes_late_results_in_their_order(
    journal: SqliteJournal, journal_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    change = await begin(journal)
    with locked(journal_file):
        await journal.settle(change.id, [Result(0, "unknown", "t-1")])
        await journal.settle(change.id, [Result(0, "applied", "t-1")], APPLIED)
        await journal.find(change.id)  # tries to write them, in vain
    found = await journal.find(change.id)
    assert found is not None
    assert [one.outcome for one in found.results.values()] == ["applied"]
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2


async def test_writes_a_late_result_before_the_next_one(journal: SqliteJournal, journal_file: Path) -> None:
    change = await begin(journal)
    with locked(journal_file):
        await journal.settle(change.id, [Result(0, "unknown", "t-1")])
    await journal.settle(change.id, [Result(0, "applied", "t-1")], APPLIED)
    found = await journal.find(change.id)
    assert found is not None
    assert [one.outcome for one in found.results.values()] == ["applied"]


async def test_no_ending_overtakes_a_result_that_is_being_written_late(faulty_journal: FaultyJournal) -> None:
    change_id = await leave_unwritten(faulty_journal)
    async with anyio.create_task_group() as others:
        others.start_soon(faulty_journal.find, change_id)
        await faulty_journal.faulty_store.waits.wait()
        others.start_soon(faulty_journal.settle, change_id, [Result(1, "applied", "t-2")], APPLIED)
        await anyio.wait_all_tasks_blocked()
        assert await rows_of(faulty_journal) == []
        faulty_journal.faulty_store.goes_on.set()
    assert await rows_of(faulty_journal) == [("result", "t-1"), ("result", "t-2"), ("ending", None)]


async def test_a_waiting_result_is_kept_if_the_call_that_writes_it_is_cancelled(faulty_journal: FaultyJournal) -> None:
    change_id = await leave_unwritten(faulty_journal)
    async with anyio.create_task_group() as others:
        others.start_soon(faulty_journal.find, change_id)
        await faulty_journal.faulty_store.waits.wait()
        others.cancel_scope.cancel()
        faulty_journal.faulty_store.goes_on.set()
    await faulty_journal.settle(change_id, [Result(1, "applied", "t-2")], APPLIED)
    assert await rows_of(faulty_journal) == [("result", "t-1"), ("result", "t-2"), ("ending", None)]


async def test_calls_that_wait_for_the_same_write_fail_with_it_and_the_order_stays(
    faulty_journal: FaultyJournal,
) -> None:
    change_id = await leave_unwritten(faulty_journal)
    faulty_journal.faulty_store.is_away, writes = True, faulty_journal.faulty_store.writes
    async with anyio.create_task_group() as others:
        for _ in range(3):
            others.start_soon(faulty_journal.find, change_id)
        await faulty_journal.faulty_store.waits.wait()
        others.start_soon(faulty_journal.settle, change_id, [Result(1, "applied", "t-2")], APPLIED)
        await anyio.wait_all_tasks_blocked()
        faulty_journal.faulty_store.goes_on.set()
    assert faulty_journal.faulty_store.writes == writes + 1
    faulty_journal.faulty_store.is_away = False
    await faulty_journal.find(change_id)
    assert await rows_of(faulty_journal) == [("result", "t-1"), ("result", "t-2"), ("ending", None)]
