"""Removal of old changes from the oldest end of the chain, within a transaction of a connection."""

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
"""The first change that begins before a row and has rows at or after it."""


PORTION = 10_000
"""Rows removed in one transaction, while other processes wait. A larger change goes in one piece."""


def prune(connection: sqlite3.Connection, before: datetime, now: datetime, portion: int = PORTION) -> int:
    """Remove closed changes older than `before`, up to the first that has to stay; return how many rows were removed.

    A new `pruned` row attests to the removal, and the anchor becomes the last row removed. Each call removes about
    `portion` rows: call it until it returns 0.
    """
    start = anchor(connection)
    through = start and _through(connection, start.seq + portion, _first_to_stay(connection, before))
    if through is None:
        return 0
    removed = connection.execute("DELETE FROM entry WHERE seq <= ?", (through.seq,)).rowcount
    connection.execute("DELETE FROM claim WHERE seq <= ?", (through.seq,))
    value = {"through": through.seq, "hash": through.hash, "rows": removed, "before": instant(before)}
    append(connection, [Entry("pruned", instant(now), value)])
    set_link(connection, "anchor", through)
    return removed


def _first_to_stay(connection: sqlite3.Connection, before: datetime) -> int:
    """The first row that is younger than `before`, or belongs to an open change."""
    ((stays,),) = connection.execute(_FIRST_TO_STAY, {"before": instant(before)})
    if stays is None:
        ((newest,),) = connection.execute("SELECT coalesce(max(seq), 0) FROM entry")
        return int(newest) + 1
    return int(stays)


def _through(connection: sqlite3.Connection, portion: int, stays: int) -> Link | None:
    """The last row to remove: within the portion, or before `stays` where one change is larger than the portion."""
    for end in (min(stays, portion + 1), stays):
        between = _between_changes(connection, end)
        row = connection.execute(
            "SELECT seq, hash FROM entry WHERE seq < ? ORDER BY seq DESC LIMIT 1", (between,)
        ).fetchone()
        if row is not None:
            return Link(row["seq"], row["hash"])
    return None


def _between_changes(connection: sqlite3.Connection, stays: int) -> int:
    """The last row at or before `stays` at which no change is split."""
    while (opened := connection.execute(_OPENED_EARLIER, {"stays": stays}).fetchone()[0]) is not None:
        stays = int(opened)
    return stays
