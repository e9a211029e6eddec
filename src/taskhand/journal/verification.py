"""The whole journal looked through for rows that were altered or removed, within a transaction of a connection."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from taskhand.journal.entry import COLUMNS
from taskhand.journal.hash_chain import START, ChainWalk, Fault, Link, Row
from taskhand.journal.writes import anchor, head

__all__ = ["Verification", "verify_chain"]

_ROWS = f"SELECT seq, hash, body, {', '.join(COLUMNS)} FROM entry ORDER BY seq"  # noqa: S608  names of ours
_CLAIMS = "SELECT scope, place, seq, change_id, at FROM claim"
_UNDER_WAY = "SELECT change_id, session, place, seq FROM under_way"


@dataclass(frozen=True, slots=True)
class Verification:
    """What a look through the journal found: `rows` that are right, the newest of them, and what is wrong, if anything.

    Whoever can write the file can make a whole new chain. `head` noted elsewhere shows that too: it must stay in the
    chain. `has_noted` is whether one asked for is there.
    """

    rows: int
    head: Link
    fault: Fault | None = None
    has_noted: bool = True


@dataclass(slots=True)
class _Index:
    """What the tables beside the chain must hold, by what the rows say."""

    claims: set[tuple[object, ...]] = field(default_factory=set)
    under_way: dict[str, tuple[object, ...]] = field(default_factory=dict)

    def take(self, seq: int, body: Mapping[str, Any]) -> None:
        """Read one row more."""
        match body:
            case {"kind": "opening", "change_id": change_id, "value": {"session": str(session), "claims": claims}}:
                self.under_way[change_id] = (change_id, session, body["place"], seq)
                self.claims |= {(one["scope"], body["place"], seq, change_id, body["at"]) for one in claims}
            case {"kind": "ending", "change_id": change_id}:
                self.under_way.pop(change_id, None)

    def fault(self, connection: sqlite3.Connection) -> Fault | None:
        """Where the tables do not hold that: the change of the first such row."""
        claims = {tuple(row) for row in connection.execute(_CLAIMS)}
        if wrong := {int(str(row[2])) for row in self.claims ^ claims}:
            return Fault(min(wrong), "the claims that are kept beside it are not the ones that it makes")
        open_ones = {tuple(row) for row in connection.execute(_UNDER_WAY)}
        if wrong := {int(str(row[3])) for row in set(self.under_way.values()) ^ open_ones}:
            return Fault(min(wrong), "the list of open changes does not agree with it")
        return None


def verify_chain(connection: sqlite3.Connection, noted: str | None = None) -> Verification:
    """Look through every row; `noted` is the hash of a head that was noted earlier."""
    # What is not UTF-8 any more is to be named as altered, not to end the look.
    connection.text_factory = lambda raw: raw.decode(errors="replace")
    try:
        return _verify_rows(connection, noted)
    finally:
        connection.text_factory = str


def _verify_rows(connection: sqlite3.Connection, noted: str | None) -> Verification:
    start, newest = anchor(connection), head(connection)
    if start is None or newest is None:
        return Verification(0, START, Fault(0, "what says where the chain begins and ends was removed"))
    walk, index, rows, has_noted = ChainWalk(start), _Index(), 0, noted in (None, start.hash)
    for stored in connection.execute(_ROWS):
        link = Link(stored["seq"], stored["hash"])
        body, fault = walk.check_row(Row(link, tuple(stored[name] for name in COLUMNS), stored["body"]))
        if fault:
            return Verification(rows, walk.last, fault, has_noted)
        index.take(link.seq, body)
        rows, has_noted = rows + 1, has_noted or link.hash == noted
    return Verification(rows, walk.last, walk.end(newest) or index.fault(connection), has_noted)
