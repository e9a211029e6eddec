"""Results that cannot be written at first, because another process has the file: none is lost."""

import logging
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from fixed_clock import FixedClock
from journal.open_journal import APPLIED, begin, make_opening, open_journal
from taskhand.domain.errors import OperatorError
from taskhand.journal.journal import ChangeQuery, Result
from taskhand.journal.sqlite import SqliteJournal


@pytest.fixture
async def journal(journal_file: Path, clock: FixedClock) -> AsyncIterator[SqliteJournal]:
    """A journal that does not wait for other processes."""
    async with open_journal(journal_file, clock=clock, busy_s=0) as journal:
        yield journal


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another process holds the write lock."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


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


async def test_it_is_written_when_the_journal_is_closed(journal_file: Path, clock: FixedClock) -> None:
    async with open_journal(journal_file, clock=clock, busy_s=0) as journal:
        change_id = await late(journal, journal_file)
    async with open_journal(journal_file, clock=clock) as journal:
        found = await journal.find(change_id)
        assert found is not None
        assert found.outcome == "applied"
        assert await journal.abandoned() == ()


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
