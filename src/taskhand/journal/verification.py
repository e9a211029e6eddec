"""Verification of the whole journal: finds rows that were altered, added or removed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from taskhand.journal.entry import COLUMNS
from taskhand.journal.hash_chain import START, ChainWalk, Fault, Link, Row
from taskhand.journal.writes import anchor, head
from taskhand.sql.connection import SqlConnection, SqlRow
from taskhand.sqlite.damaged_text import read_damaged_text

__all__ = ["Verification", "verify_chain"]

_ROWS = f"SELECT seq, hash, body, {', '.join(COLUMNS)} FROM entry WHERE seq > ? ORDER BY seq LIMIT ?"  # noqa: S608
_PORTION = 1_000
"""Rows that are read at a time: a driver may keep all rows of a statement in memory."""
_CLAIMS = "SELECT scope, place, seq, change_id, at FROM claim"
_UNDER_WAY = "SELECT change_id, session, place, seq FROM under_way"


@dataclass(frozen=True, slots=True)
class Verification:
    """The result: how many `rows` are right, the newest of them (`head`), and the first `fault`.

    A person who can write the file can also make a whole new chain. A hash of the head that was noted elsewhere reveals
    that: it must stay in the chain. `has_noted` is false where the noted hash is missing.
    """

    rows: int
    head: Link
    fault: Fault | None = None
    has_noted: bool = True


@dataclass(slots=True)
class _ExpectedTables:
    """What the tables beside the chain must contain according to the rows of the chain."""

    claims: set[tuple[object, ...]] = field(default_factory=set)
    under_way: dict[str, tuple[object, ...]] = field(default_factory=dict)

    def add(self, seq: int, body: Mapping[str, Any]) -> None:
        """Take one more row of the chain into account."""
        match body:
            case {"kind": "opening", "change_id": change_id, "value": {"session": str(session), "claims": claims}}:
                self.under_way[change_id] = (change_id, session, body["place"], seq)
                self.claims |= {(one["scope"], body["place"], seq, change_id, body["at"]) for one in claims}
            case {"kind": "resumed", "change_id": change_id, "value": {"session": str(session)}}:
                self.under_way[change_id] = (change_id, session, body["place"], seq)
            case {"kind": "ending", "change_id": change_id}:
                self.under_way.pop(change_id, None)

    def find_fault(self, connection: SqlConnection) -> Fault | None:
        """The first row of the chain that the tables disagree with."""
        claims = {tuple(row) for row in connection.execute(_CLAIMS)}
        if wrong := {int(str(row[2])) for row in self.claims ^ claims}:
            return Fault(min(wrong), "the table of claims does not match the claims that it makes")
        under_way = {tuple(row) for row in connection.execute(_UNDER_WAY)}
        if wrong := {int(str(row[3])) for row in set(self.under_way.values()) ^ under_way}:
            return Fault(min(wrong), "the table of open changes does not match it")
        return None


def verify_chain(connection: SqlConnection, noted: str | None = None) -> Verification:
    """Check every row, within a transaction of the connection; `noted` is the hash of a head noted earlier."""
    # Text that is not UTF-8 any more is reported as altered: it must not end the verification.
    with read_damaged_text(connection):
        return _verify_rows(connection, noted)


def _read_rows(connection: SqlConnection) -> Iterator[SqlRow]:
    """Every row, in the order of their numbers."""
    last = -(2**63)
    while rows := connection.execute(_ROWS, (last, _PORTION)).fetchall():
        yield from rows
        last = rows[-1]["seq"]


def _verify_rows(connection: SqlConnection, noted: str | None) -> Verification:
    start, newest = anchor(connection), head(connection)
    if start is None or newest is None:
        return Verification(0, START, Fault(0, "the record of where the chain begins and ends was removed"))
    walk, tables, rows, has_noted = ChainWalk(start), _ExpectedTables(), 0, noted in (None, start.hash)
    for stored in _read_rows(connection):
        link = Link(stored["seq"], stored["hash"])
        body, fault = walk.check_row(Row(link, tuple(stored[name] for name in COLUMNS), stored["body"]))
        if fault:
            return Verification(rows, walk.last, fault, has_noted)
        tables.add(link.seq, body)
        rows, has_noted = rows + 1, has_noted or link.hash == noted
    return Verification(rows, walk.last, walk.check_end(newest) or tables.find_fault(connection), has_noted)
