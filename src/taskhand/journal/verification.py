"""Verification of the whole journal: finds rows that were altered, added or removed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from taskhand.journal.change_rows import COLUMNS
from taskhand.journal.hash_chain import START, ChainFault, ChainLink, ChainWalk, StoredRow
from taskhand.journal.row_writes import anchor, head
from taskhand.sql.connection import SqlConnection, SqlRow
from taskhand.sqlite.damaged_text import read_damaged_text

__all__ = ["NEWEST", "Verification", "describe_rows", "verify_chain"]

NEWEST: Final = 100_000
"""Rows of a large journal that a health check looks at, which takes some seconds."""

_ROWS: Final = f"SELECT seq, hash, body, {', '.join(COLUMNS)} FROM entry WHERE seq > ? ORDER BY seq LIMIT ?"  # noqa: S608
_PORTION: Final = 1_000
"""Rows that are read at a time, with the claims that they made: memory does not grow with the journal."""
_CLAIMS: Final = "SELECT scope, place, seq, change_id, at FROM claim WHERE seq > ? AND seq <= ?"
_OTHER_CLAIM: Final = "SELECT min(seq) FROM claim WHERE seq > ? AND seq <= ?"
_UNDER_WAY: Final = "SELECT change_id, session, place, seq FROM under_way WHERE seq > ?"
_FIRST, _LAST = -(2**63), 2**63 - 1
_CLAIMS_DIFFER: Final = "the table of claims does not match the claims that it makes"


@dataclass(frozen=True, slots=True)
class Verification:
    """The result: the number of valid `rows`, the newest of them (`head`), and the first `fault`.

    A person who can write the file can also make a whole new chain. A hash of the head that was noted elsewhere reveals
    that: it must stay in the chain. `has_noted` is false if the noted hash is missing. `unread` is the number of older
    rows that were not read.
    """

    rows: int
    head: ChainLink
    fault: ChainFault | None = None
    has_noted: bool = True
    unread: int = 0


@dataclass(slots=True)
class _BesideChain:
    """The expected content of the tables beside the chain, according to the rows of the chain.

    Claims are compared for each portion of rows. Only changes under way are kept.
    """

    connection: SqlConnection
    since: int
    """The row after which all rows were read."""
    claims: set[tuple[object, ...]] = field(default_factory=set)
    under_way: dict[str, tuple[object, ...]] = field(default_factory=dict)
    fault: ChainFault | None = None

    def add(self, seq: int, body: Mapping[str, Any]) -> None:
        """Take one more row of the chain into account."""
        match body:
            case {"kind": "opening", "change_id": change_id, "value": {"session": str(session), "claims": claims}}:
                self.under_way[change_id] = (change_id, session, body["place"], seq)
                self.claims |= {(claim["scope"], body["place"], seq, change_id, body["at"]) for claim in claims}
            case {"kind": "resumed", "change_id": change_id, "value": {"session": str(session)}}:
                self.under_way[change_id] = (change_id, session, body["place"], seq)
            case {"kind": "ending", "change_id": change_id}:
                self.under_way.pop(change_id, None)

    def compare_claims(self, after: int, through: int) -> None:
        """Compare the claims of a portion of rows."""
        there = {tuple(row) for row in self.connection.execute(_CLAIMS, (after, through))}
        if (wrong := self.claims ^ there) and self.fault is None:
            self.fault = ChainFault(min(int(str(row[2])) for row in wrong), _CLAIMS_DIFFER)
        self.claims = set()

    def find_fault(self, start: int, end: int) -> ChainFault | None:
        """The first row that the tables disagree with; the chain was walked from `start` to `end`."""
        for bounds in ((self.since, start), (end, _LAST)):
            ((other,),) = self.connection.execute(_OTHER_CLAIM, bounds)
            if other is not None and (self.fault is None or other < self.fault.seq):
                self.fault = ChainFault(int(other), _CLAIMS_DIFFER)
        if self.fault is not None:
            return self.fault
        under_way = {tuple(row) for row in self.connection.execute(_UNDER_WAY, (self.since,))}
        if wrong := {int(str(row[3])) for row in set(self.under_way.values()) ^ under_way}:
            return ChainFault(min(wrong), "the table of open changes does not match it")
        return None


def describe_rows(verification: Verification) -> str:
    """A sentence's part for a health check: the numbers of valid rows and of unread rows."""
    if not verification.unread:
        return f"{verification.rows} rows, all as they were written"
    return (
        f"{verification.unread + verification.rows} rows, of which the newest {verification.rows} "
        "are as they were written "
        "(`taskhand journal verify` reads all)"
    )


def verify_chain(connection: SqlConnection, noted: str | None = None, newest: int | None = None) -> Verification:
    """Check every row, within a transaction of the connection, or about `newest` of the newest rows.

    `noted` is the hash of a head noted earlier.
    """
    # Text that is not UTF-8 any more is reported as altered: it must not end the verification.
    with read_damaged_text(connection):
        return _verify_rows(connection, noted, newest)


def _verify_rows(connection: SqlConnection, noted: str | None, newest: int | None) -> Verification:
    start, end = anchor(connection), head(connection)
    if start is None or end is None:
        return Verification(0, START, ChainFault(0, "the record of the chain's beginning and end was removed"))
    within = None if newest is None else _find_link(connection, start.seq, end.seq - newest)
    unread = 0 if within is None else within.seq - start.seq
    first = within or start
    walk, rows, has_noted = ChainWalk(first, begins_within=within is not None), 0, noted in (None, start.hash)
    beside = _BesideChain(connection, first.seq if within else _FIRST)
    for portion in _read_portions(connection, first.seq if within else _FIRST):
        before = walk.last.seq
        for stored in portion:
            link = ChainLink(stored["seq"], stored["hash"])
            body, fault = walk.check_row(StoredRow(link, tuple(stored[name] for name in COLUMNS), stored["body"]))
            if fault:
                return Verification(rows, walk.last, fault, has_noted, unread)
            beside.add(link.seq, body)
            rows, has_noted = rows + 1, has_noted or link.hash == noted
        beside.compare_claims(before, walk.last.seq)
    fault = walk.check_end(end) or beside.find_fault(first.seq, walk.last.seq)
    return Verification(rows, walk.last, fault, has_noted, unread)


def _read_portions(connection: SqlConnection, last: int) -> Iterator[Sequence[SqlRow]]:
    """The rows after `last`, in the order of their numbers."""
    while rows := connection.execute(_ROWS, (last, _PORTION)).fetchall():
        yield rows
        last = rows[-1]["seq"]


def _find_link(connection: SqlConnection, after: int, seq: int) -> ChainLink | None:
    """The row at `seq`; None if it is not after the one that was pruned last."""
    row = connection.execute("SELECT seq, hash FROM entry WHERE seq = ? AND seq > ?", (seq, after)).fetchone()
    return ChainLink(row["seq"], row["hash"]) if row else None
