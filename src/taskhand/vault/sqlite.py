"""The links in one SQLite file, shared safely by the processes of one machine."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

import anyio.to_thread

from taskhand.sqlite.backup import connect
from taskhand.sqlite.connection import DatabaseKind
from taskhand.sqlite.store import Store, database_errors
from taskhand.sqlite.transaction import transaction
from taskhand.vault.sql_link_store import SqlLinkStore, note_uses

__all__ = ["LINKS", "SqliteLinkStore", "prepare_links"]

LINKS: Final = DatabaseKind("file of links", "TASKHAND_LINKS", "taskhand.vault", in_backups=False)


class SqliteLinkStore(SqlLinkStore):
    """The links in the file at `path`, which is made at first use, for its owner alone.

    One that is gone later is not made anew: with an empty one the shared credential would take the place of all links.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        super().__init__(Store(path, LINKS, prepare=prepare_links, makes_anew=False))

    async def note_uses(self, uses: Mapping[tuple[str, str], datetime]) -> None:
        """Keep when links were last used.

        A thread does it on a connection of its own, so that no reader waits for the disk or for another process.
        """
        await anyio.to_thread.run_sync(partial(_note_uses, self._path, uses))


def prepare_links(connection: sqlite3.Connection) -> None:
    """Overwrite what is removed, and read a text that was damaged as another one: it is a flaw of its row alone."""
    connection.execute("PRAGMA secure_delete = ON")
    connection.text_factory = partial(str, encoding="utf-8", errors="replace")


def _note_uses(path: Path, uses: Mapping[tuple[str, str], datetime]) -> None:
    with database_errors(path, LINKS), closing(connect(path)) as database, transaction(database, "BEGIN IMMEDIATE"):
        LINKS.check_version(database)
        note_uses(uses, database)
