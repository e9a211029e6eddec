"""The keys in one SQLite file, shared safely by the processes of one machine."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from taskhand.keys.sql_key_store import SqlKeyStore, note_uses
from taskhand.sqlite.migrations import DatabaseKind
from taskhand.sqlite.separate_write import write_separately
from taskhand.sqlite.store import SqliteStore

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
        """Store the times of last use, without delaying any reader."""
        await write_separately(self._path, KEYS, partial(note_uses, uses))
