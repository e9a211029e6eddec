"""The built-in store and a journal in the files of a folder, which any number of processes can share."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from behaviour.world import NOW
from journals import numbered
from taskhand.backends.local.backend import LocalBackend
from taskhand.backends.local.people_and_statuses import sequential_id
from taskhand.backends.local.sqlite import open_file_store
from taskhand.journal.journal_owner import AccountOwner
from taskhand.journal.sqlite import SqliteJournal

__all__ = ["journal_in", "locked", "store_in"]


def journal_in(folder: Path, busy_s: float = 5.0, kind: type[SqliteJournal] = SqliteJournal) -> SqliteJournal:
    """The journal of a folder."""
    return kind(AccountOwner(folder / "journal.sqlite", "test"), clock=lambda: NOW, new_id=numbered, busy_s=busy_s)


def store_in(folder: Path, busy_s: float = 5.0) -> LocalBackend:
    """The built-in store of a folder."""
    path = folder / "tasks.sqlite"
    return open_file_store(path, clock=lambda: NOW, new_id=sequential_id, user="Elena", timezone=None, busy_s=busy_s)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another process holds the write lock."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
