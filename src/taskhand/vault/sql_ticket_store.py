"""The tickets in the database of the links, which any number of processes may share."""

from datetime import datetime
from functools import partial
from typing import Final

from taskhand.domain.principal import Person
from taskhand.sql.connection import SqlConnection, SqlRow, read_instant, stored_instant
from taskhand.sql.store import SqlStore
from taskhand.vault.cipher import Sealed
from taskhand.vault.ticket import Ticket

__all__ = ["SqlTicketStore"]

_ROWS: Final = (
    "SELECT id, person, email, connection, made_at, expires_at, browser, tries, proved_at, used_at, linked_at, key_id, "
    "nonce, sealed, mark, refusal, turned_away_at FROM ticket"
)
_IS_OPEN: Final = " WHERE id = ? AND used_at IS NULL AND expires_at > ? AND browser = ?"
_PROVE: Final = (
    "UPDATE ticket SET email = CASE WHEN proved_at IS NULL THEN ? ELSE email END, "
    "mark = CASE WHEN proved_at IS NULL THEN ? ELSE mark END, proved_at = coalesce(proved_at, ?)"
)
_USE: Final = "UPDATE ticket SET used_at = ?, state = NULL, key_id = NULL, nonce = NULL, sealed = NULL"


class SqlTicketStore:
    """Stores tickets in the database of the links."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    async def add(self, ticket: Ticket, *, most: int, forget_before: datetime) -> None:
        """Add a ticket; remove expired ones and those beyond `most`."""
        await self._store.write(partial(_add, ticket, most, forget_before))

    async def find(self, ticket_id: str) -> Ticket | None:
        """Find the ticket with this id; a database is not created for this."""
        if not await self._store.exists():
            return None
        return await self._store.peek(partial(_find, ticket_id))

    async def begin(self, begun: Ticket, now: datetime, *, most: int) -> bool:
        """Count an attempt; the first binds the ticket to its browser and stores the HMAC."""
        return await self._store.write(partial(_begin, begun, now, most))

    async def turn_away(self, hashed: str, browser: str, now: datetime) -> None:
        """Record that a second browser came with the id or the state."""
        await self._store.write(partial(_turn_away, hashed, browser, now))

    async def note_refusal(self, ticket_id: str, reason: str) -> None:
        """Record why the page refused the last attempt."""
        await self._store.write(partial(_note_refusal, ticket_id, reason))

    async def send(self, ticket_id: str, browser: str, state: str, sealed: Sealed) -> bool:
        """Replace the sealed state of a redirected browser."""
        return await self._store.write(partial(_send, ticket_id, browser, state, sealed))

    async def take(self, state: str, browser: str) -> tuple[Ticket, Sealed] | None:
        """Remove and return the sealed state of a redirected browser."""
        if not await self._store.exists():
            return None
        return await self._store.write(partial(_take_ticket, state, browser))

    async def prove(self, proved: Ticket, now: datetime) -> bool:
        """Store a browser's proof; an earlier proof is kept."""
        return await self._store.write(partial(_save_proof, proved, now))

    async def use(self, ticket_id: str, browser: str, now: datetime) -> bool:
        """Close the ticket; one of several concurrent callers gets True."""
        return await self._store.write(partial(_use, ticket_id, browser, now))

    async def note_linked(self, ticket_id: str, now: datetime) -> None:
        """Record that the person linked by a used ticket."""
        await self._store.write(partial(_note_linked, ticket_id, now))

    async def aclose(self) -> None:
        """Close the store after the work in progress."""
        await self._store.aclose()


def _add(ticket: Ticket, most: int, forget_before: datetime, database: SqlConnection) -> None:
    person, now = ticket.person, stored_instant(ticket.made_at)
    database.execute("DELETE FROM ticket WHERE expires_at < ?", (stored_instant(forget_before),))
    values = (ticket.id, person.id, person.email, ticket.connection, now, stored_instant(ticket.expires_at))
    database.execute(
        "INSERT INTO ticket (id, person, email, connection, made_at, expires_at, mark) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (*values, ticket.bound_hmac),
    )
    # Tickets that a browser has begun are removed last.
    surplus = (
        "DELETE FROM ticket WHERE id IN (SELECT id FROM ticket WHERE person = ? AND connection = ? AND used_at IS NULL "
        "AND expires_at > ? AND id <> ? ORDER BY browser IS NOT NULL DESC, made_at DESC, id LIMIT 10000 OFFSET ?)"
    )
    database.execute(surplus, (person.id, ticket.connection, now, ticket.id, most - 1))


def _find(ticket_id: str, database: SqlConnection) -> Ticket | None:
    row = database.execute(_ROWS + " WHERE id = ?", (ticket_id,)).fetchone()
    return _to_ticket(row) if row else None


def _begin(begun: Ticket, now: datetime, most: int, database: SqlConnection) -> bool:
    statement = (
        "UPDATE ticket SET mark = CASE WHEN browser IS NULL THEN ? ELSE mark END, browser = ?, tries = tries + 1, "
        "refusal = NULL WHERE id = ? AND used_at IS NULL AND expires_at > ? "
        "AND (browser IS NULL OR browser = ?) AND tries < ?"
    )
    values = (begun.bound_hmac, begun.browser, begun.id, stored_instant(now), begun.browser, most)
    return database.execute(statement, values).rowcount == 1


def _turn_away(hashed: str, browser: str, now: datetime, database: SqlConnection) -> None:
    statement = (
        "UPDATE ticket SET turned_away_at = ? WHERE (id = ? OR state = ?) AND browser <> ? AND turned_away_at IS NULL"
    )
    database.execute(statement, (stored_instant(now), hashed, hashed, browser))


def _note_refusal(ticket_id: str, reason: str, database: SqlConnection) -> None:
    database.execute("UPDATE ticket SET refusal = ? WHERE id = ?", (reason, ticket_id))


def _send(ticket_id: str, browser: str, state: str, sealed: Sealed, database: SqlConnection) -> bool:
    statement = (
        "UPDATE ticket SET state = ?, key_id = ?, nonce = ?, sealed = ? "
        "WHERE id = ? AND browser = ? AND used_at IS NULL"
    )
    values = (state, sealed.key_id, sealed.nonce, sealed.text, ticket_id, browser)
    return database.execute(statement, values).rowcount == 1


def _take_ticket(state: str, browser: str, database: SqlConnection) -> tuple[Ticket, Sealed] | None:
    row = database.execute(_ROWS + " WHERE state = ? AND browser = ?", (state, browser)).fetchone()
    if row is None:
        return None
    statement = "UPDATE ticket SET state = NULL, key_id = NULL, nonce = NULL, sealed = NULL WHERE id = ?"
    database.execute(statement, (row["id"],))
    return _to_ticket(row), Sealed(row["key_id"], row["nonce"], row["sealed"])


def _save_proof(proved: Ticket, now: datetime, database: SqlConnection) -> bool:
    kept = (proved.person.email, proved.bound_hmac, stored_instant(proved.proved_at or now))
    values = (*kept, proved.id, stored_instant(now), proved.browser)
    return database.execute(_PROVE + _IS_OPEN, values).rowcount == 1


def _use(ticket_id: str, browser: str, now: datetime, database: SqlConnection) -> bool:
    values = (stored_instant(now), ticket_id, stored_instant(now), browser)
    return database.execute(_USE + _IS_OPEN, values).rowcount == 1


def _note_linked(ticket_id: str, now: datetime, database: SqlConnection) -> None:
    statement = "UPDATE ticket SET linked_at = ? WHERE id = ? AND used_at IS NOT NULL"
    database.execute(statement, (stored_instant(now), ticket_id))


def _to_ticket(row: SqlRow) -> Ticket:
    return Ticket(
        row["id"],
        Person(row["person"], row["email"]),
        row["connection"],
        datetime.fromisoformat(row["made_at"]),
        datetime.fromisoformat(row["expires_at"]),
        row["browser"],
        row["tries"],
        read_instant(row["proved_at"]),
        read_instant(row["used_at"]),
        read_instant(row["linked_at"]),
        row["mark"],
        row["refusal"],
        read_instant(row["turned_away_at"]),
    )
