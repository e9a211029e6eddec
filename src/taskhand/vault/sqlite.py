"""The links in one SQLite file, shared safely by the processes of one machine."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

import anyio.to_thread

from taskhand.sqlite.backup import connect_autocommit
from taskhand.sqlite.migrations import DatabaseKind
from taskhand.sqlite.store import SqliteStore, database_file_errors
from taskhand.sqlite.transaction import transaction
from taskhand.vault.sql_link_store import SqlLinkStore, note_uses

__all__ = ["LINKS", "SqliteLinkStore", "prepare_links"]

LINKS: Final = DatabaseKind("file of links", "TASKHAND_LINKS", "taskhand.vault", in_backups=False)


class SqliteLinkStore(SqlLinkStore):
    """The links in the file at `path`, which is made at first use, readable only by its owner.

    A file that disappears later is not made again: with an empty file, the shared credential would replace all links.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        super().__init__(SqliteStore(path, LINKS, prepare=prepare_links, makes_anew=False))

    async def note_uses(self, uses: Mapping[tuple[str, str], datetime]) -> None:
        """Store the times of last use.

        A thread writes on its own connection, so that no reader waits for the disk or for another process.
        """
        await anyio.to_thread.run_sync(partial(_note_uses, self._path, uses))


def prepare_links(connection: sqlite3.Connection) -> None:
    """Make the file overwrite removed data, and decode damaged texts, so that only their rows are flawed."""
    connection.execute("PRAGMA secure_delete = ON")
    connection.text_factory = partial(str, encoding="utf-8", errors="replace")


def _note_uses(path: Path, uses: Mapping[tuple[str, str], datetime]) -> None:
    with (
        database_file_errors(path, LINKS),
        closing(connect_autocommit(path)) as database,
        transaction(database, "BEGIN IMMEDIATE"),
    ):
        LINKS.check_version(database)
        note_uses(uses, database)
