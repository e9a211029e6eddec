"""Old changes removed from the oldest end of the chain, within a transaction of a connection."""

import sqlite3
from datetime import datetime

from taskhand.journal.codec import instant
from taskhand.journal.entry import Entry
from taskhand.journal.hash_chain import Link
from taskhand.journal.writes import anchor, append, set_link

__all__ = ["PORTION", "prune"]

_FIRST_TO_STAY = """
SELECT min(seq) FROM (
    SELECT seq FROM (SELECT seq FROM entry WHERE at >= :before ORDER BY seq LIMIT 1)
    UNION ALL SELECT min(seq) FROM under_way
)
"""

_OPENED_EARLIER = """
SELECT min(o.seq) FROM entry o
WHERE o.kind = 'opening' AND o.seq < :stays
AND EXISTS (SELECT 1 FROM entry later WHERE later.change_id = o.change_id AND later.seq >= :stays)
"""
"""The first change that begins before a row and goes on after it."""


PORTION = 10_000
"""Rows that go at a time, where changes are not larger: other processes wait for it."""


def prune(connection: sqlite3.Connection, before: datetime, now: datetime, portion: int = PORTION) -> int:
    """Remove changes that are wholly older than `before` and over, as long as none is to stay; how many rows.

    A row at the newest end says which rows went, and the anchor where the chain goes on from. Call it until it is 0:
    about a `portion` of rows goes at a time.
    """
    start = anchor(connection)
    through = start and _through(connection, start.seq + portion, _first_to_stay(connection, before))
    if through is None:
        return 0
    gone = connection.execute("DELETE FROM entry WHERE seq <= ?", (through.seq,)).rowcount
    connection.execute("DELETE FROM claim WHERE seq <= ?", (through.seq,))
    value = {"through": through.seq, "hash": through.hash, "rows": gone, "before": instant(before)}
    append(connection, [Entry("pruned", instant(now), value)])
    set_link(connection, "anchor", through)
    return gone


def _first_to_stay(connection: sqlite3.Connection, before: datetime) -> int:
    """The first row that is too young, or of a change that is open."""
    ((stays,),) = connection.execute(_FIRST_TO_STAY, {"before": instant(before)})
    if stays is None:
        ((newest,),) = connection.execute("SELECT coalesce(max(seq), 0) FROM entry")
        return int(newest) + 1
    return int(stays)


def _through(connection: sqlite3.Connection, portion: int, stays: int) -> Link | None:
    """The last row to go: of the portion up to that row, or where one change is larger of all that may go."""
    for end in (min(stays, portion + 1), stays):
        between = _between_changes(connection, end)
        row = connection.execute(
            "SELECT seq, hash FROM entry WHERE seq < ? ORDER BY seq DESC LIMIT 1", (between,)
        ).fetchone()
        if row is not None:
            return Link(row["seq"], row["hash"])
    return None


def _between_changes(connection: sqlite3.Connection, stays: int) -> int:
    """The last row at or before this one that no change goes on across."""
    while (opened := connection.execute(_OPENED_EARLIER, {"stays": stays}).fetchone()[0]) is not None:
        stays = int(opened)
    return stays
