"""The links in one SQLite file, shared safely by the processes of one machine."""

import sqlite3
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from taskhand.sqlite.migrations import DatabaseKind
from taskhand.sqlite.separate_write import write_separately
from taskhand.sqlite.store import SqliteStore
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
        """Store the times of last use, without delaying any reader."""
        await write_separately(self._path, LINKS, partial(note_uses, uses))


def prepare_links(connection: sqlite3.Connection) -> None:
    """Make the file overwrite removed data, and decode damaged texts, so that only their rows are flawed."""
    connection.execute("PRAGMA secure_delete = ON")
    connection.text_factory = partial(str, encoding="utf-8", errors="replace")
