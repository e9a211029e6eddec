"""Removal of old changes from the oldest end of the chain, within a transaction of a connection.

A clock may be wrong, so one reading of it removes nothing. The age of a change is counted from an earlier reading: the
newest change that began a day ago or before. While a change is dated in the future, pruning
removes nothing. Within a day it removes at most a share of the journal.
"""

import logging
from datetime import datetime, timedelta
from typing import Final

from taskhand.journal.change_rows import Entry
from taskhand.journal.hash_chain import ChainLink
from taskhand.journal.row_writes import anchor, append, set_link
from taskhand.sql.connection import SqlConnection, SqlRow, stored_instant

__all__ = ["PORTION", "prune_changes", "prune_share"]

_log = logging.getLogger(__name__)

_DAY: Final = timedelta(days=1)
_TOLERANCE: Final = timedelta(minutes=5)
"""Maximum time by which a change may be dated in the future: other processes write meanwhile."""
_SHARE: Final = 10
"""At most this fraction (1/n) of the rows is removed within a day, or one change if that is more."""

_FIRST_TO_STAY = """
SELECT min(seq) FROM (
    SELECT seq FROM (SELECT seq FROM entry WHERE at >= ? AND seq <= ? ORDER BY seq LIMIT 1) AS young
    UNION ALL SELECT min(seq) FROM under_way
    UNION ALL SELECT coalesce(max(seq), 0) + 1 FROM entry
) AS stays
"""

_COUNT = "SELECT coalesce((SELECT max(seq) FROM entry) - (SELECT min(seq) FROM entry) + 1, 0)"
"""The number of rows, which have no gap: to count them would take long."""

_LAST_ROW: Final = 2**63 - 1

_OPENED_EARLIER = """
SELECT min(o.seq) FROM entry o
WHERE o.kind = 'opening' AND o.seq < ?
AND (SELECT max(later.seq) FROM entry later WHERE later.change_id = o.change_id) >= ?
"""
"""The first change that begins before a row and has rows at or after it."""

_LAST_OF_OPENED = """
SELECT max(e.seq) FROM entry e
WHERE e.change_id IN (SELECT o.change_id FROM entry o WHERE o.kind = 'opening' AND o.seq <= ?)
"""
"""The last row of all changes that begin at or before a row."""


PORTION = 10_000
"""Rows removed in one transaction, while other processes wait. A larger change goes in one piece."""


def prune_share(connection: SqlConnection, now: datetime, keep: timedelta) -> int:
    """Remove changes older than `keep`, as many as one day allows; return the number of removed rows.

    Each call removes about PORTION rows: call it until it returns 0.
    """
    latest = _read_text(connection, "SELECT max(at) FROM entry WHERE kind = 'opening'")
    if latest is not None and latest > stored_instant(now + _TOLERANCE):
        _log.warning("the journal is not pruned: a change in it is dated %s, after the present, %s", latest, now)
        return 0
    reading = _read_text(
        connection, "SELECT max(at) FROM entry WHERE kind = 'opening' AND at <= ?", stored_instant(now - _DAY)
    )
    if reading is None:
        return 0
    before = datetime.fromisoformat(reading) - keep
    removed = prune_changes(connection, before, now, min(PORTION, _left_today(connection, now)))
    if removed:
        _log.warning("%d rows of changes from before %s were removed from the journal", removed, before)
    return removed


def prune_changes(connection: SqlConnection, before: datetime, now: datetime, portion: int = PORTION) -> int:
    """Remove closed changes older than `before`, up to the first that must stay; return the number of removed rows.

    A new `pruned` row attests to the removal, and the anchor becomes the last row removed. Each call removes at most
    `portion` rows, or one change if the first is larger, and none if `portion` is 0.
    """
    start = anchor(connection)
    through = start and portion and _find_last_to_remove(connection, start.seq + portion, before)
    if not through:
        return 0
    removed = connection.execute("DELETE FROM entry WHERE seq <= ?", (through.seq,)).rowcount
    connection.execute("DELETE FROM claim WHERE seq <= ?", (through.seq,))
    value = {"through": through.seq, "hash": through.hash, "rows": removed, "before": stored_instant(before)}
    append(connection, [Entry("pruned", stored_instant(now), value)])
    set_link(connection, "anchor", through)
    return removed


def _left_today(connection: SqlConnection, now: datetime) -> int:
    """The number of rows that may still be removed within the day before `now`."""
    rows = "SELECT count(*), coalesce(sum(CAST(json_extract(body, '$.value.rows') AS INTEGER)), 0) FROM entry"
    ((times, removed),) = connection.execute(f"{rows} WHERE kind = 'pruned' AND at > ?", (stored_instant(now - _DAY),))
    ((there,),) = connection.execute(_COUNT)
    left = (int(there) + int(removed)) // _SHARE - int(removed)
    return max(left, 0) if times else max(left, 1)


def _read_text(connection: SqlConnection, sql: str, *parameters: str) -> str | None:
    ((value,),) = connection.execute(sql, parameters)
    return None if value is None else str(value)


def _first_to_stay(connection: SqlConnection, before: datetime, last: int = _LAST_ROW) -> int:
    """The first row, up to the `last`, that is younger than `before`, or belongs to an open change, or is to come."""
    ((stays,),) = connection.execute(_FIRST_TO_STAY, (stored_instant(before), last))
    return int(stays)


def _find_last_to_remove(connection: SqlConnection, portion: int, before: datetime) -> ChainLink | None:
    """The last row to remove: within the portion, or the end of the first change if that is larger."""
    stays = _first_to_stay(connection, before, portion + 1)
    end = _between_changes(connection, min(stays, portion + 1))
    row = connection.execute("SELECT seq, hash FROM entry WHERE seq < ? ORDER BY seq DESC LIMIT 1", (end,)).fetchone()
    if row is None:
        row = _end_of_first_change(connection, _first_to_stay(connection, before))
    return None if row is None else ChainLink(row["seq"], row["hash"])


def _end_of_first_change(connection: SqlConnection, stays: int) -> SqlRow | None:
    """The first row after which no change is split; None if it is not before `stays`."""
    ((end,),) = connection.execute("SELECT min(seq) FROM entry")
    while end is not None and end < stays:
        ((last,),) = connection.execute(_LAST_OF_OPENED, (end,))
        if last is None or last <= end:
            row: SqlRow = connection.execute("SELECT seq, hash FROM entry WHERE seq = ?", (end,)).fetchone()
            return row
        end = last
    return None


def _between_changes(connection: SqlConnection, stays: int) -> int:
    """The last row at or before `stays` at which no change is split."""
    while (opened := connection.execute(_OPENED_EARLIER, (stays, stays)).fetchone()[0]) is not None:
        stays = int(opened)
    return stays
