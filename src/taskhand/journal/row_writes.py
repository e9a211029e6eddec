"""Rows added to the journal's tables, within a transaction of a connection."""

from collections.abc import Iterable, Sequence

from taskhand.journal.change_rows import COLUMNS, Entry, damaged_error
from taskhand.journal.hash_chain import ChainLink, next_link
from taskhand.journal.journal import Opening
from taskhand.sql.connection import SqlConnection

__all__ = ["anchor", "append", "append_resumption", "begin_change", "count_change", "end_change", "head", "set_link"]

_NAMES = ", ".join(("seq", *COLUMNS, "body", "hash"))
_INSERT = f"INSERT INTO entry ({_NAMES}) VALUES ({', '.join('?' * (len(COLUMNS) + 3))})"  # noqa: S608  names of ours
_SET_LINK = (
    "INSERT INTO link VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET seq = excluded.seq, hash = excluded.hash"
)
_CLAIM = "INSERT INTO claim (scope, place, seq, change_id, at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"


def head(connection: SqlConnection) -> ChainLink | None:
    """The newest row; None if the record of it was removed."""
    return _link(connection, "head")


def anchor(connection: SqlConnection) -> ChainLink | None:
    """The last row that was pruned; None if the record of it was removed."""
    return _link(connection, "anchor")


def set_link(connection: SqlConnection, name: str, link: ChainLink) -> None:
    """Set `head` or `anchor` to this row."""
    connection.execute(_SET_LINK, (name, link.seq, link.hash))


def append(connection: SqlConnection, entries: Iterable[Entry]) -> int:
    """Add rows, and return the number of the first. OperatorError if the record of the newest row was removed."""
    last = before = head(connection)
    if last is None or before is None:
        raise damaged_error()
    rows = []
    for entry in entries:
        body = entry.body
        last = next_link(last, body)
        rows.append((last.seq, *entry.columns, body, last.hash))
    connection.executemany(_INSERT, rows)
    set_link(connection, "head", last)
    return before.seq + 1


def begin_change(connection: SqlConnection, entries: Sequence[Entry], opening: Opening, session: str) -> None:
    """Add the rows of a change that begins, list it as under way, and store its claims."""
    seq, first = append(connection, entries), entries[0]
    connection.execute("INSERT INTO under_way VALUES (?, ?, ?, ?)", (first.change_id, session, first.account_name, seq))
    for claim in opening.claims:
        connection.execute(_CLAIM, (claim.scope, first.account_name, seq, first.change_id, first.at))


def append_resumption(connection: SqlConnection, entry: Entry, session: str) -> None:
    """Add the row that resumes a change, and list it as under way again."""
    seq = append(connection, [entry])
    connection.execute("INSERT INTO under_way VALUES (?, ?, ?, ?)", (entry.change_id, session, entry.account_name, seq))


def end_change(connection: SqlConnection, change_id: str) -> None:
    """Remove a change from the list of those under way."""
    connection.execute("DELETE FROM under_way WHERE change_id = ?", (change_id,))


def count_change(connection: SqlConnection) -> int:
    """Count one more change, and return the total ever counted. OperatorError if the count was removed."""
    row = connection.execute("UPDATE made SET changes = changes + 1 RETURNING changes").fetchone()
    if row is None:
        raise damaged_error()
    return int(row["changes"])


def _link(connection: SqlConnection, name: str) -> ChainLink | None:
    row = connection.execute("SELECT seq, hash FROM link WHERE name = ?", (name,)).fetchone()
    return ChainLink(row["seq"], row["hash"]) if row else None
