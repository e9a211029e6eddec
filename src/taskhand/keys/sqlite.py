"""The keys in one SQLite file, shared safely by any number of processes."""

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import anyio.to_thread

from taskhand.keys.key import NO_HASH, Key
from taskhand.keys.key_store import KeptKey
from taskhand.sqlite.backup import connect
from taskhand.sqlite.connection import DatabaseKind
from taskhand.sqlite.store import Store, database_errors
from taskhand.sqlite.transaction import transaction

if TYPE_CHECKING:
    from taskhand.domain.principal import Scope

__all__ = ["KEYS", "SqliteKeyStore"]

KEYS: Final = DatabaseKind("file of keys", "TASKHAND_KEYS", "taskhand.keys")

_NOBODY: Final = {
    "id": "0000000000",
    "hash": NO_HASH,
    "person": "nobody",
    "scopes": "read write",
    "name": None,
    "created_at": "2026-01-01T00:00:00.000000+00:00",
    "expires_at": "2026-04-01T00:00:00.000000+00:00",
    "revoked_at": None,
    "last_used_at": "2026-01-01T00:00:00.000000+00:00",
}
"""What is read in the place of a row that is not there, so that the time does not tell which ids exist."""


class SqliteKeyStore:
    """The keys in the file at `path`, which is made at first use, for its owner alone.

    One that is gone later is not made anew: an empty one would refuse every key without a word.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._store = Store(path, KEYS, makes_anew=False)

    async def exists(self) -> bool:
        """Whether there is a file; OperatorError where that cannot be seen."""
        return await self._store.exists()

    async def add(self, key: Key, key_hash: str) -> None:
        """Keep a new key, on disk when this returns."""
        await self._store.write(partial(_add, key, key_hash))

    async def find(self, key_id: str) -> KeptKey | None:
        """The key of this id, as it is in the file now."""
        return await self._store.peek(partial(_find, key_id))

    async def list_keys(self) -> Sequence[Key]:
        """Every key, the oldest first."""
        return await self._store.read(_list_keys)

    async def revoke(self, key_ids: Collection[str], at: datetime) -> None:
        """Revoke these keys, on disk when this returns; one that was revoked before keeps its time."""
        await self._store.write(partial(_revoke, key_ids, at))

    async def note_uses(self, uses: Mapping[str, datetime]) -> None:
        """Keep when keys were last used.

        A thread does it on a connection of its own, so that no reader waits for the disk or for another process.
        """
        await anyio.to_thread.run_sync(partial(_note_uses, self._path, uses))

    async def aclose(self) -> None:
        """Close the file after what is under way."""
        await self._store.aclose()


def _add(key: Key, key_hash: str, connection: sqlite3.Connection) -> None:
    scopes = " ".join(sorted(key.scopes))
    moments = [_to_text(one) for one in (key.created_at, key.expires_at, key.revoked_at, key.last_used_at)]
    values = (key.id, key_hash, key.person, scopes, key.name, *moments)
    connection.execute("INSERT INTO caller_key VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)


def _find(key_id: str, connection: sqlite3.Connection) -> KeptKey | None:
    row = connection.execute("SELECT * FROM caller_key WHERE id = ?", (key_id,)).fetchone()
    read = row or _NOBODY
    kept = KeptKey(_to_key(read), str(read["hash"]))
    return kept if row else None


def _list_keys(connection: sqlite3.Connection) -> list[Key]:
    return [_to_key(row) for row in connection.execute("SELECT * FROM caller_key ORDER BY created_at, rowid")]


def _revoke(key_ids: Collection[str], at: datetime, connection: sqlite3.Connection) -> None:
    statement = "UPDATE caller_key SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL"
    connection.executemany(statement, [(_to_text(at), key_id) for key_id in key_ids])


def _note_uses(path: Path, uses: Mapping[str, datetime]) -> None:
    with database_errors(path, KEYS), closing(connect(path)) as connection, transaction(connection, "BEGIN IMMEDIATE"):
        KEYS.check_version(connection)
        statement = "UPDATE caller_key SET last_used_at = ? WHERE id = ?"
        connection.executemany(statement, [(_to_text(at), key_id) for key_id, at in uses.items()])


def _to_key(row: sqlite3.Row | Mapping[str, Any]) -> Key:
    try:
        return Key(
            row["id"],
            row["person"],
            frozenset(cast("Scope", one) for one in row["scopes"].split()),
            created_at=datetime.fromisoformat(row["created_at"]),
            expires_at=_to_moment(row["expires_at"]),
            name=row["name"],
            revoked_at=_to_moment(row["revoked_at"]),
            last_used_at=_to_moment(row["last_used_at"]),
        )
    except ValueError as error:
        raise sqlite3.DatabaseError(f"the row of the key {row['id']} is damaged") from error


def _to_text(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat(timespec="microseconds") if moment else None


def _to_moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
