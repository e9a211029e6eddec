"""Rows added to the journal's tables, within a transaction of a connection."""

import sqlite3
from collections.abc import Iterable, Sequence

from taskhand.journal.entry import COLUMNS, Entry, damaged_error
from taskhand.journal.hash_chain import Link, next_link
from taskhand.journal.journal import Opening

__all__ = ["anchor", "append", "begin_change", "count_change", "end_change", "head", "resume_change", "set_link"]

_NAMES = ", ".join(("seq", *COLUMNS, "body", "hash"))
_INSERT = f"INSERT INTO entry ({_NAMES}) VALUES ({', '.join('?' * (len(COLUMNS) + 3))})"  # noqa: S608  names of ours


def head(connection: sqlite3.Connection) -> Link | None:
    """The newest row; None where the record of it was removed."""
    return _link(connection, "head")


def anchor(connection: sqlite3.Connection) -> Link | None:
    """The last row that was pruned; None where the record of it was removed."""
    return _link(connection, "anchor")


def set_link(connection: sqlite3.Connection, name: str, link: Link) -> None:
    """Set `head` or `anchor` to this row."""
    connection.execute("INSERT OR REPLACE INTO link VALUES (?, ?, ?)", (name, link.seq, link.hash))


def append(connection: sqlite3.Connection, entries: Iterable[Entry]) -> int:
    """Add rows, and return the number of the first. OperatorError where the record of the newest row was removed."""
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


def begin_change(connection: sqlite3.Connection, entries: Sequence[Entry], opening: Opening, session: str) -> None:
    """Add the rows of a change that begins, list it as under way, and store its claims."""
    seq, first = append(connection, entries), entries[0]
    connection.execute("INSERT INTO under_way VALUES (?, ?, ?, ?)", (first.change_id, session, first.place, seq))
    connection.executemany(
        "INSERT OR IGNORE INTO claim (scope, place, seq, change_id, at) VALUES (?, ?, ?, ?, ?)",
        [(claim.scope, first.place, seq, first.change_id, first.at) for claim in opening.claims],
    )


def resume_change(connection: sqlite3.Connection, entry: Entry, session: str) -> None:
    """Add the row with which a change is gone on with, and list it as under way again."""
    seq = append(connection, [entry])
    connection.execute("INSERT INTO under_way VALUES (?, ?, ?, ?)", (entry.change_id, session, entry.place, seq))


def end_change(connection: sqlite3.Connection, change_id: str) -> None:
    """Remove a change from the list of those under way."""
    connection.execute("DELETE FROM under_way WHERE change_id = ?", (change_id,))


def count_change(connection: sqlite3.Connection) -> int:
    """Count one more change, and return the count of all there ever were. OperatorError where that was removed."""
    row = connection.execute("UPDATE made SET changes = changes + 1 RETURNING changes").fetchone()
    if row is None:
        raise damaged_error()
    return int(row["changes"])


def _link(connection: sqlite3.Connection, name: str) -> Link | None:
    row = connection.execute("SELECT seq, hash FROM link WHERE name = ?", (name,)).fetchone()
    return Link(row["seq"], row["hash"]) if row else None
