"""The links in a database, shared safely by any number of processes."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from taskhand.sql.connection import DamagedRow, SqlConnection, SqlRow, placeholders, stored_instant
from taskhand.sql.store import SqlStore
from taskhand.vault.cipher import Sealed
from taskhand.vault.link_store import KeptLink
from taskhand.vault.sealed_link import SealedLink, damaged_link

__all__ = ["SqlLinkStore", "note_uses"]

_ROWS: Final = (
    "SELECT person, connection, generation, version, kind, member_id, member_name, scopes, expires_at, linked_at, "
    "saved_at, key_id, nonce, sealed, last_used_at, ended_at, email FROM link"
)
_MARKS: Final = "SELECT person, connection, generation, removed_at FROM link_generation"

_TYPES: Final = (
    dict.fromkeys(("person", "connection", "kind", "scopes", "linked_at", "saved_at"), str)
    | dict.fromkeys(
        ("member_id", "member_name", "expires_at", "key_id", "last_used_at", "ended_at", "email"), str | None
    )
    | dict.fromkeys(("nonce", "sealed"), bytes | None)
    | dict.fromkeys(("generation", "version"), int)
)
"""The types of the columns; only a damaged file has others."""


class SqlLinkStore:
    """The links in one store."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    async def exists(self) -> bool:
        """Whether the store exists."""
        return await self._store.exists()

    async def find(self, person: str, connection: str) -> KeptLink:
        """The stored link of this person and connection."""
        return await self._store.peek(partial(_find, person, connection))

    async def list_links(self) -> Sequence[KeptLink]:
        """All links that should exist or do exist, sorted by person and connection."""
        return await self._store.read(_list_links)

    async def put(self, row: SealedLink, *, after: int) -> bool:
        """Replace the row; False if `after` is no longer the newest generation."""
        return await self._store.write(partial(_insert_link, row, after))

    async def reseal(self, row: SealedLink, former: SealedLink) -> bool:
        """Replace the row by one whose secret was encrypted again; False if the stored row is no longer `former`."""
        return await self._store.write(partial(_reseal, row, former))

    async def end(self, person: str, connection: str, *, generation: int, at: datetime) -> bool:
        """Remove the secret of a link that the CRM rejects; False if there is a newer generation."""
        return await self._store.write(partial(_end, person, connection, generation, at))

    async def remove(self, person: str, connection: str, at: datetime) -> bool:
        """Remove a link; False if there was none."""
        return await self._store.write(partial(_remove, person, connection, at))

    async def claim(self, person: str, connection: str, *, generation: int, by: str, now: datetime, s: float) -> bool:
        """Claim the renewal of this generation for `by`, for at most `s` seconds."""
        return await self._store.write(
            partial(_claim, (person, connection), generation, by, (now, now + timedelta(seconds=s))), durable=False
        )

    async def release(self, person: str, connection: str, by: str) -> None:
        """Release a claim, if `by` still holds it."""
        await self._store.write(partial(_release, person, connection, by), durable=False)

    async def note_uses(self, uses: Mapping[tuple[str, str], datetime]) -> None:
        """Store the times of last use."""
        await self._store.write(partial(note_uses, uses), durable=False)

    async def aclose(self) -> None:
        """Close the store after the work in progress."""
        await self._store.aclose()


def _find(person: str, connection: str, database: SqlConnection) -> KeptLink:
    name = (person, connection)
    where = " WHERE person = ? AND connection = ?"
    row = database.execute(_ROWS + where, name).fetchone()
    mark = database.execute(_MARKS + where, name).fetchone()
    return _to_kept_link(person, connection, row, mark)


def _list_links(database: SqlConnection) -> list[KeptLink]:
    rows = {(str(row["person"]), str(row["connection"])): row for row in database.execute(_ROWS)}
    marks = {(str(row["person"]), str(row["connection"])): row for row in database.execute(_MARKS)}
    every = [_to_kept_link(*name, rows.get(name), marks.get(name)) for name in sorted({*rows, *marks})]
    return [link for link in every if link.row is not None or not link.removed]


def _insert_link(row: SealedLink, after: int, database: SqlConnection) -> bool:
    name = (row.person, row.connection)
    newest = database.execute(
        "SELECT generation FROM link_generation WHERE person = ? AND connection = ?", name
    ).fetchone()
    if (newest["generation"] if newest else 0) != after or row.sealed is None:
        return False
    sealed = (row.sealed.key_id, row.sealed.nonce, row.sealed.text)
    bound = (row.generation, row.version, row.kind, row.member_id, row.member_name, row.scopes, row.expires_at)
    values = (*name, *bound, row.linked_at, row.saved_at, *sealed, row.last_used_at, row.ended_at)
    for table in ("link", "link_generation"):
        database.execute(f"DELETE FROM {table} WHERE person = ? AND connection = ?", name)  # noqa: S608  our own names
    database.execute(f"INSERT INTO link VALUES ({placeholders(values)}, NULL, NULL, ?)", (*values, row.email))  # noqa: S608  only placeholders
    database.execute("INSERT INTO link_generation VALUES (?, ?, ?, NULL)", (*name, row.generation))
    return True


def _reseal(row: SealedLink, former: SealedLink, database: SqlConnection) -> bool:
    if row.sealed is None or former.sealed is None:
        return False
    statement = (
        "UPDATE link SET key_id = ?, nonce = ?, sealed = ? "
        "WHERE person = ? AND connection = ? AND generation = ? AND nonce = ?"
    )
    new = (row.sealed.key_id, row.sealed.nonce, row.sealed.text)
    where = (former.person, former.connection, former.generation, former.sealed.nonce)
    return database.execute(statement, (*new, *where)).rowcount == 1


def _end(person: str, connection: str, generation: int, at: datetime, database: SqlConnection) -> bool:
    statement = (
        "UPDATE link SET ended_at = ?, key_id = NULL, nonce = NULL, sealed = NULL, "
        "claimed_by = NULL, claimed_until = NULL WHERE person = ? AND connection = ? AND generation = ?"
    )
    return database.execute(statement, (stored_instant(at), person, connection, generation)).rowcount == 1


def _remove(person: str, connection: str, at: datetime, database: SqlConnection) -> bool:
    name = (person, connection)
    there = database.execute("DELETE FROM link WHERE person = ? AND connection = ?", name).rowcount == 1
    # The next generation, so that a concurrent save does not restore the link.
    statement = (
        "UPDATE link_generation SET generation = generation + 1, removed_at = ? "
        "WHERE person = ? AND connection = ? AND removed_at IS NULL"
    )
    return database.execute(statement, (stored_instant(at), *name)).rowcount == 1 or there


def _claim(
    name: tuple[str, str], generation: int, by: str, span: tuple[datetime, datetime], database: SqlConnection
) -> bool:
    statement = (
        "UPDATE link SET claimed_by = ?, claimed_until = ? "
        "WHERE person = ? AND connection = ? AND generation = ? AND ended_at IS NULL "
        "AND (claimed_by IS NULL OR claimed_by = ? OR claimed_until <= ? OR claimed_until > ?)"
    )
    now, until = map(stored_instant, span)
    # A claim that would last longer than the maximum was made by a clock that was ahead.
    return database.execute(statement, (by, until, *name, generation, by, now, until)).rowcount == 1


def _release(person: str, connection: str, by: str, database: SqlConnection) -> None:
    statement = (
        "UPDATE link SET claimed_by = NULL, claimed_until = NULL WHERE person = ? AND connection = ? AND claimed_by = ?"
    )
    database.execute(statement, (person, connection, by))


def note_uses(uses: Mapping[tuple[str, str], datetime], database: SqlConnection) -> None:
    """Store the times of last use, in a transaction of the connection."""
    statement = "UPDATE link SET last_used_at = ? WHERE person = ? AND connection = ?"
    database.executemany(statement, [(stored_instant(at), *name) for name, at in uses.items()])


def _to_kept_link(person: str, connection: str, row: SqlRow | None, mark: SqlRow | None) -> KeptLink:
    generation = mark["generation"] if mark else 0
    if not isinstance(generation, int):
        raise DamagedRow("it is damaged")
    kept = None
    if row is not None:
        is_whole = all(isinstance(row[name], kinds) for name, kinds in _TYPES.items())
        kept = _to_row(row) if is_whole else damaged_link(person, connection, generation)
    return KeptLink(person, connection, kept, generation, removed=mark is None or mark["removed_at"] is not None)


def _to_row(row: SqlRow) -> SealedLink:
    is_sealed = row["key_id"] is not None and row["nonce"] is not None and row["sealed"] is not None
    return SealedLink(
        row["person"],
        row["connection"],
        row["generation"],
        row["version"],
        row["kind"],
        row["member_id"],
        row["member_name"],
        row["scopes"],
        row["expires_at"],
        row["linked_at"],
        row["saved_at"],
        Sealed(row["key_id"], row["nonce"], row["sealed"]) if is_sealed else None,
        row["last_used_at"],
        row["ended_at"],
        row["email"],
    )
