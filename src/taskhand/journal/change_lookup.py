"""Queries for changes in the journal's rows, within a transaction of a connection."""

from collections.abc import Sequence

from taskhand.domain.chunks import chunks
from taskhand.journal.change_rows import build_change, is_void, parse_body
from taskhand.journal.journal import Change, ChangePage, ChangeQuery, Claim
from taskhand.sql.connection import SqlConnection, SqlRow, placeholders, stored_instant

__all__ = [
    "find_claiming_change",
    "find_ender",
    "find_open_changes",
    "find_page",
    "find_session",
    "has_change",
    "load_changes",
    "read_change",
]

_MAX_MARKS = 500
"""Maximum number of values in one statement; SQLite accepts at least 999."""


def has_change(connection: SqlConnection, change_id: str) -> bool:
    """Whether a change of any account has this id."""
    sql = "SELECT 1 FROM entry WHERE change_id = ? AND kind = 'opening'"
    return connection.execute(sql, (change_id,)).fetchone() is not None


def read_change(connection: SqlConnection, account_names: Sequence[str], change_id: str) -> Change | None:
    """The change with this id; None if these accounts have none."""
    sql = "SELECT place FROM entry WHERE change_id = ? AND kind = 'opening'"
    row = connection.execute(sql, (change_id,)).fetchone()
    if row is None or row["place"] not in account_names:
        return None
    return load_changes(connection, [change_id])[0]


def load_changes(connection: SqlConnection, ids: Sequence[str]) -> tuple[Change, ...]:
    """The changes with these ids, in this order."""
    bodies: dict[str, list[str]] = {change_id: [] for change_id in ids}
    for some in chunks(ids, _MAX_MARKS):
        sql = f"SELECT change_id, body FROM entry WHERE change_id IN ({placeholders(some)}) ORDER BY seq"  # noqa: S608  placeholders
        for row in connection.execute(sql, tuple(some)):
            bodies[row["change_id"]].append(row["body"])
    return tuple(build_change(map(parse_body, bodies[change_id])) for change_id in ids)


def find_page(connection: SqlConnection, account_names: Sequence[str], query: ChangeQuery) -> ChangePage:
    """Changes of these accounts, newest first; CallerError for an invalid cursor.

    A list of a period is in the order of the moments at which its changes began, any other in that of their rows.
    """
    from taskhand.journal.change_filters import find_positions  # noqa: PLC0415  no start waits for it

    rows = find_positions(connection, account_names, query)
    shown = rows[: query.limit]
    positions = tuple(str(row["seq"]) for row in shown)
    cursor = positions[-1] if shown and len(rows) > query.limit else None
    return ChangePage(load_changes(connection, [row["change_id"] for row in shown]), cursor, positions)


def find_claiming_change(
    connection: SqlConnection, account_names: Sequence[str], claims: Sequence[Claim], *, even_void: bool = False
) -> Change | None:
    """The newest change of these accounts that made a claim and is not void; the claims are tried in their order.

    `even_void` is whether a void one counts too.
    """
    for claim in claims:
        where = f"scope = ? AND place IN ({placeholders(account_names)}) AND at >= ?"
        sql = f"SELECT change_id FROM claim WHERE {where} ORDER BY seq DESC"  # noqa: S608  placeholders
        since = stored_instant(claim.since) if claim.since else ""
        for row in connection.execute(sql, (claim.scope, *account_names, since)).fetchall():
            (change,) = load_changes(connection, [row["change_id"]])
            if even_void or not is_void(change):
                return change
    return None


def find_session(connection: SqlConnection, change_id: str) -> str | None:
    """The process of an open change; None if the change has ended."""
    row = connection.execute("SELECT session FROM under_way WHERE change_id = ?", (change_id,)).fetchone()
    return str(row["session"]) if row else None


def find_ender(connection: SqlConnection, change_id: str) -> str | None:
    """The process that has ended a change: the one that had taken it over, else the one that had begun it."""
    sql = "SELECT body FROM entry WHERE change_id = ? AND kind IN ('opening', 'resumed', 'ending') ORDER BY seq DESC"
    values = [parse_body(row["body"])["value"] for row in connection.execute(sql, (change_id,))]
    named = (value.get("taken_over_by") or value.get("session") for value in values)
    return next(filter(None, named), None)


def find_open_changes(connection: SqlConnection, sessions: Sequence[str]) -> list[SqlRow]:
    """The open changes of these sessions, oldest first: change_id, session, account name."""
    sql = f"SELECT change_id, session, place FROM under_way WHERE session IN ({placeholders(sessions)}) ORDER BY seq"  # noqa: S608  placeholders
    return connection.execute(sql, tuple(sessions)).fetchall()
