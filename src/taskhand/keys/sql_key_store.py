"""The keys in a database, shared safely by any number of processes."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from taskhand.keys.key import NO_HASH, Key
from taskhand.keys.key_store import KeptKey
from taskhand.sql.connection import (
    DamagedRow,
    SqlConnection,
    SqlRow,
    read_instant,
    stored_instant,
    stored_instant_or_none,
)
from taskhand.sql.store import SqlStore

if TYPE_CHECKING:
    from taskhand.domain.principal import Scope

__all__ = ["SqlKeyStore", "note_uses"]

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
"""The row that is read in place of a missing one, so that the time does not reveal which ids exist."""


class SqlKeyStore:
    """The keys in one store."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    async def exists(self) -> bool:
        """Whether the store exists; OperatorError if that cannot be determined."""
        return await self._store.exists()

    async def add(self, key: Key, key_hash: str) -> None:
        """Store a new key, on disk on return."""
        await self._store.write(partial(_add, key, key_hash))

    async def find(self, key_id: str) -> KeptKey | None:
        """The stored key with this id."""
        return await self._store.peek(partial(_find, key_id))

    async def list_keys(self) -> Sequence[Key]:
        """All keys, oldest first."""
        return await self._store.read(_list_keys)

    async def revoke(self, key_ids: Collection[str], at: datetime) -> None:
        """Revoke these keys, on disk on return; a key that was revoked before keeps its time."""
        await self._store.write(partial(_revoke, key_ids, at))

    async def note_uses(self, uses: Mapping[str, datetime]) -> None:
        """Store the times of last use."""
        await self._store.write(partial(note_uses, uses), durable=False)

    async def aclose(self) -> None:
        """Close the store after the work in progress."""
        await self._store.aclose()


def _add(key: Key, key_hash: str, connection: SqlConnection) -> None:
    scopes = " ".join(sorted(key.scopes))
    moments = [
        stored_instant_or_none(moment) for moment in (key.created_at, key.expires_at, key.revoked_at, key.last_used_at)
    ]
    values = (key.id, key_hash, key.person, scopes, key.name, *moments)
    connection.execute("INSERT INTO caller_key VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)


def _find(key_id: str, connection: SqlConnection) -> KeptKey | None:
    row = connection.execute("SELECT * FROM caller_key WHERE id = ?", (key_id,)).fetchone()
    read = row or _NOBODY
    kept_key = KeptKey(_to_key(read), str(read["hash"]))
    return kept_key if row else None


def _list_keys(connection: SqlConnection) -> list[Key]:
    return [_to_key(row) for row in connection.execute("SELECT * FROM caller_key ORDER BY created_at, rowid")]


def _revoke(key_ids: Collection[str], at: datetime, connection: SqlConnection) -> None:
    statement = "UPDATE caller_key SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL"
    connection.executemany(statement, [(stored_instant(at), key_id) for key_id in key_ids])


def note_uses(uses: Mapping[str, datetime], connection: SqlConnection) -> None:
    """Store the times of last use, in a transaction of the connection."""
    statement = "UPDATE caller_key SET last_used_at = ? WHERE id = ?"
    connection.executemany(statement, [(stored_instant(at), key_id) for key_id, at in uses.items()])


def _to_key(row: SqlRow | Mapping[str, Any]) -> Key:
    try:
        return Key(
            row["id"],
            row["person"],
            frozenset(cast("Scope", scope) for scope in row["scopes"].split()),
            created_at=datetime.fromisoformat(row["created_at"]),
            expires_at=read_instant(row["expires_at"]),
            name=row["name"],
            revoked_at=read_instant(row["revoked_at"]),
            last_used_at=read_instant(row["last_used_at"]),
        )
    except ValueError as error:
        raise DamagedRow(f"the row of the key {row['id']} is damaged") from error
