"""Writes on a connection of their own: no reader of the store waits for the disk or for another process."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import anyio.to_thread

from taskhand.sqlite.backup import connect_autocommit
from taskhand.sqlite.migrations import DatabaseKind
from taskhand.sqlite.store import database_file_errors
from taskhand.sqlite.transaction import transaction

__all__ = ["write_separately"]


async def write_separately(path: Path, kind: DatabaseKind, work: Callable[[sqlite3.Connection], None]) -> None:
    """Run `work` in one transaction on an existing file, in a thread; OperatorError if the file cannot be used."""
    await anyio.to_thread.run_sync(partial(_write, path, kind, work))


def _write(path: Path, kind: DatabaseKind, work: Callable[[sqlite3.Connection], None]) -> None:
    with (
        database_file_errors(path, kind),
        closing(connect_autocommit(path)) as connection,
        transaction(connection, "BEGIN IMMEDIATE"),
    ):
        kind.check_version(connection)
        work(connection)
