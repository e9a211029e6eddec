"""A journal of its own for each test, in every store that can keep one."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import pytest

from journal.stage import Clock, opened_at
from taskhand.journal.journal import Journal
from taskhand.journal.sqlite import SqliteJournal

Opener = Callable[..., AbstractAsyncContextManager[Journal]]


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture(params=["sqlite"])
def opens(journal_file: Path, clock: Clock) -> Opener:
    """Opens the one store of this test as a process of its own, at a place; PostgreSQL will be the second arm."""
    return partial(opened_at, journal_file, clock=clock)


@pytest.fixture
async def journal(opens: Opener) -> AsyncIterator[Journal]:
    """The journal of this process."""
    async with opens() as journal:
        yield journal


@pytest.fixture
async def file_journal(journal_file: Path, clock: Clock) -> AsyncIterator[SqliteJournal]:
    """The SQLite journal of this process, to look at the file."""
    async with opened_at(journal_file, clock=clock) as journal:
        yield journal
