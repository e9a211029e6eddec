"""A new journal for each test, in every kind of store."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import pytest

from fixed_clock import FixedClock
from journal.open_journal import open_journal, open_postgres_journal
from taskhand.journal.journal import Journal
from taskhand.journal.sqlite import SqliteJournal

Opener = Callable[..., AbstractAsyncContextManager[Journal]]


@pytest.fixture(params=["sqlite", "postgres"])
def opens(request: pytest.FixtureRequest, journal_file: Path, clock: FixedClock) -> Opener:
    """Opens the store of this test like a separate process does."""
    if request.param == "sqlite":
        return partial(open_journal, journal_file, clock=clock)
    return partial(open_postgres_journal, request.getfixturevalue("postgres").url, clock=clock)


@pytest.fixture
async def journal(opens: Opener) -> AsyncIterator[Journal]:
    """The journal of this process."""
    async with opens() as journal:
        yield journal


@pytest.fixture
async def file_journal(journal_file: Path, clock: FixedClock) -> AsyncIterator[SqliteJournal]:
    """The SQLite journal of this process, to look at the file."""
    async with open_journal(journal_file, clock=clock) as journal:
        yield journal
