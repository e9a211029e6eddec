"""Removal of expired events, of events beyond the maximum of a feed, and of feeds that are no longer wanted."""

from datetime import datetime
from typing import Final

from taskhand.sql.connection import SqlConnection, stored_instant

__all__ = ["MAX_EVENTS", "prune_events"]

MAX_EVENTS: Final = 100_000
"""Maximum events of one feed."""


def prune_events(connection: SqlConnection, before: datetime | None, most: int = MAX_EVENTS) -> int:
    """Remove events from before a cutoff, and the oldest of a feed with too many; return the number removed.

    The start of the feed moves to the end of the removed part. A feed that was last wanted and looked at before the
    cutoff is removed completely.
    """
    first = None if before is None else stored_instant(before)
    if first is not None:
        _remove_unwanted(connection, first)
    rows = connection.execute("SELECT id FROM feed").fetchall()
    return sum(_prune_feed(connection, row["id"], first, most) for row in rows)


def _remove_unwanted(connection: SqlConnection, before: str) -> None:
    """Remove unwanted feeds with all their rows, and bookmarks, gaps and hints from before the cutoff."""
    connection.execute(
        "DELETE FROM feed WHERE coalesce(wanted_until, begun_at) < ? AND coalesce(looked_at, begun_at) < ?",
        (before, before),
    )
    connection.execute("DELETE FROM bookmark WHERE at < ?", (before,))
    connection.execute("DELETE FROM gap WHERE at < ?", (before,))
    connection.execute("DELETE FROM hint WHERE at < ?", (before,))


def _prune_feed(connection: SqlConnection, feed: int, before: str | None, most: int) -> int:
    sql = "SELECT moment FROM event WHERE feed = ? ORDER BY moment DESC, seq DESC LIMIT 1 OFFSET ?"
    row = connection.execute(sql, (feed, most - 1)).fetchone()
    end = max(filter(None, (before, row and row["moment"])), default=None)
    if end is None:
        return 0
    removed: int = connection.execute("DELETE FROM event WHERE feed = ? AND moment < ?", (feed, end)).rowcount
    if removed:
        connection.execute("UPDATE feed SET begun_at = ? WHERE id = ? AND begun_at < ?", (end, feed, end))
    return removed
