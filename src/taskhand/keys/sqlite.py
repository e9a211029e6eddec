"""The keys in one SQLite file, shared safely by the processes of one machine."""

from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

import anyio.to_thread

from taskhand.keys.sql_key_store import SqlKeyStore, note_uses
from taskhand.sqlite.backup import connect_autocommit
from taskhand.sqlite.migrations import DatabaseKind
from taskhand.sqlite.store import SqliteStore, database_file_errors
from taskhand.sqlite.transaction import transaction

__all__ = ["KEYS", "SqliteKeyStore"]

KEYS: Final = DatabaseKind("file of keys", "TASKHAND_KEYS", "taskhand.keys")


class SqliteKeyStore(SqlKeyStore):
    """The keys in the file at `path`, which is made at first use, readable only by its owner.

    A file that disappears later is not made again: an empty file would refuse every key without a reason.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        super().__init__(SqliteStore(path, KEYS, makes_anew=False))

    async def note_uses(self, uses: Mapping[str, datetime]) -> None:
        """Store the times of last use.

        A thread writes on its own connection, so that no reader waits for the disk or for another process.
        """
        await anyio.to_thread.run_sync(partial(_note_uses, self._path, uses))


def _note_uses(path: Path, uses: Mapping[str, datetime]) -> None:
    with (
        database_file_errors(path, KEYS),
        closing(connect_autocommit(path)) as connection,
        transaction(connection, "BEGIN IMMEDIATE"),
    ):
        KEYS.check_version(connection)
        note_uses(uses, connection)
