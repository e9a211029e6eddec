"""The rows of the feeds of changes, within a transaction of a connection."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final, cast

from taskhand.domain.chunks import chunks
from taskhand.domain.event import TaskEvent
from taskhand.domain.event_source import Look
from taskhand.domain.task import Task
from taskhand.events.event_json import event_from, event_json, people_json
from taskhand.events.event_store import Bookmark, Feed, FeedName, Gap, KeptEvent
from taskhand.sql.connection import DamagedRow, SqlConnection, SqlRow, placeholders, stored_instant

__all__ = [
    "MAX_HINTS",
    "add_hint",
    "add_hint_once",
    "begin_feed",
    "feed_key",
    "find_bookmark",
    "find_feed",
    "find_tasks",
    "save_look",
    "save_past_events",
    "to_kept_event",
]

MAX_HINTS: Final = 500
"""Maximum tasks of one feed with their own hints."""
_PART: Final = 500
"""Maximum ids in one statement."""
_FEED: Final = "SELECT * FROM feed WHERE place = ? AND person = ?"


def feed_key(feed: FeedName) -> tuple[str, str]:
    """The columns that name a feed."""
    return feed.account_name, feed.person or ""


def _find_row(feed: FeedName, connection: SqlConnection) -> SqlRow | None:
    row: SqlRow | None = connection.execute(_FEED, feed_key(feed)).fetchone()
    return row


def find_feed(feed: FeedName, connection: SqlConnection) -> Feed | None:
    """The progress of a feed; None if it has not begun."""
    if (row := _find_row(feed, connection)) is None:
        return None
    begun_at, looked_at, wanted_until = (_moment(row[name]) for name in ("begun_at", "looked_at", "wanted_until"))
    if begun_at is None:
        raise DamagedRow(f"the row of the feed {feed.account_name} is damaged")
    return Feed(feed, row["version"], row["position"], begun_at, row["last_seq"], looked_at, wanted_until)


def begin_feed(feed: FeedName, position: str, at: datetime, connection: SqlConnection) -> Feed:
    """Begin a feed at a position; return an existing feed unchanged."""
    # Numbers start at the current time, so those of a new feed are higher than all in cursors of a removed feed.
    first = max(0, int(at.timestamp()))
    connection.execute(
        "INSERT INTO feed (place, person, version, position, last_seq, begun_at) VALUES (?, ?, 0, ?, ?, ?) "
        "ON CONFLICT (place, person) DO NOTHING",
        (*feed_key(feed), position, first, stored_instant(at)),
    )
    return cast("Feed", find_feed(feed, connection))


def find_tasks(feed: FeedName, ids: Collection[str] | None, connection: SqlConnection) -> dict[str, Task]:
    """The tasks of a feed as last seen; `ids` None returns all. DamagedRow if one cannot be read."""
    sql = "SELECT task_id, body FROM task JOIN feed ON feed.id = task.feed WHERE place = ? AND person = ?"
    rows: Iterable[SqlRow]
    if ids is None:
        rows = connection.execute(sql, feed_key(feed))
    else:
        rows = (
            row
            for part in chunks(sorted({*ids}), _PART)
            for row in connection.execute(f"{sql} AND task_id IN ({placeholders(part)})", (*feed_key(feed), *part))
        )
    return {row["task_id"]: _to_task(row) for row in rows}


def _to_task(row: SqlRow) -> Task:
    try:
        return Task.model_validate_json(row["body"])
    except ValueError as error:
        raise DamagedRow(f"the row of the task {row['task_id']} is damaged") from error


def add_hint(feed: FeedName, task_ids: Sequence[str], at: datetime, connection: SqlConnection) -> None:
    """Store a hint that these tasks were changed, also for the feeds of persons."""
    persons = {feed.person or ""}
    if feed.person is None:
        rows = connection.execute("SELECT person FROM feed WHERE place = ?", (feed.account_name,))
        persons |= {row["person"] for row in rows}
    connection.executemany(
        "INSERT INTO hint VALUES (?, ?, ?, ?) "
        "ON CONFLICT (place, person, task_id) DO UPDATE SET at = excluded.at WHERE hint.at < excluded.at",
        [
            (feed.account_name, person, task_id, stored_instant(at))
            for person in sorted(persons)
            for task_id in task_ids
        ],
    )
    for person in sorted(persons):
        _join_hints(FeedName(feed.account_name, person), at, connection)


def _join_hints(feed: FeedName, at: datetime, connection: SqlConnection) -> None:
    """Replace too many hints by one that names no task: a look would take long to read each task."""
    mine = "FROM hint WHERE place = ? AND person = ?"
    count = connection.execute(f"SELECT count(*) AS found {mine}", feed_key(feed)).fetchone()
    if count["found"] > MAX_HINTS:
        connection.execute(f"DELETE {mine}", feed_key(feed))
        connection.execute("INSERT INTO hint VALUES (?, ?, '', ?)", (*feed_key(feed), stored_instant(at)))


def add_hint_once(
    feed: FeedName,
    task_ids: Sequence[str],
    at: datetime,
    connection: SqlConnection,
    *,
    proof: str,
    valid_until: datetime,
) -> bool:
    """As `add_hint`; False if the proof was used before."""
    connection.execute("DELETE FROM delivery WHERE valid_until < ?", (stored_instant(at),))
    known = sha256(f"{feed.account_name}\0{proof}".encode()).hexdigest()
    statement = "INSERT INTO delivery VALUES (?, ?) ON CONFLICT (proof) DO NOTHING"
    if not connection.execute(statement, (known, stored_instant(valid_until))).rowcount:
        return False
    add_hint(feed, task_ids, at, connection)
    return True


def _take_version(feed: FeedName, version: int, connection: SqlConnection) -> SqlRow | None:
    """Lock the row of the feed until the end of the transaction and return it; None if the version has changed."""
    statement = "UPDATE feed SET version = version + 1 WHERE place = ? AND person = ? AND version = ?"
    if not connection.execute(statement, (*feed_key(feed), version)).rowcount:
        return None
    return _find_row(feed, connection)


def save_look(
    feed: FeedName, version: int, connection: SqlConnection, *, look: Look, at: datetime, hints: Mapping[str, datetime]
) -> tuple[KeptEvent, ...] | None:
    """Store the result of a look; None if another process has looked meanwhile."""
    if (row := _take_version(feed, version, connection)) is None:
        return None
    is_first, begun_at = row["looked_at"] is None, datetime.fromisoformat(row["begun_at"])
    old = [is_first and (moment := event.moment) is not None and moment < begun_at for event in look.events]
    kept = _insert_events(row, zip(look.events, old, strict=True), at, connection)
    if look.gap is not None:
        _keep_gap(row["id"], Gap(at, look.gap), connection)
    _keep_tasks(row["id"], look.tasks, connection)
    connection.executemany(
        "DELETE FROM hint WHERE place = ? AND person = ? AND task_id = ? AND at <= ?",
        [(*feed_key(feed), task_id, stored_instant(hinted)) for task_id, hinted in sorted(hints.items())],
    )
    looked_at = row["looked_at"] if look.is_behind and is_first else stored_instant(at)
    connection.execute(
        "UPDATE feed SET position = ?, looked_at = ? WHERE id = ?", (look.position, looked_at, row["id"])
    )
    return kept


def save_past_events(
    feed: FeedName,
    version: int,
    connection: SqlConnection,
    *,
    events: Sequence[TaskEvent],
    at: datetime,
    begun_at: datetime | None,
    gap: Gap | None,
) -> bool:
    """Store changes from before the feed began; False if another process has looked meanwhile."""
    if (row := _take_version(feed, version, connection)) is None:
        return False
    _insert_events(row, ((event, True) for event in events), at, connection)
    if begun_at is not None:
        sql = "UPDATE feed SET begun_at = ? WHERE id = ? AND begun_at > ?"
        connection.execute(sql, (stored_instant(begun_at), row["id"], stored_instant(begun_at)))
    if gap is not None:
        _keep_gap(row["id"], gap, connection)
    return True


def _keep_gap(feed: int, gap: Gap, connection: SqlConnection) -> None:
    sql = "INSERT INTO gap VALUES (?, ?, ?) ON CONFLICT (feed, at, sentence) DO NOTHING"
    connection.execute(sql, (feed, stored_instant(gap.at), gap.sentence))


def _insert_events(
    row: SqlRow, events: Iterable[tuple[TaskEvent, bool]], at: datetime, connection: SqlConnection
) -> tuple[KeptEvent, ...]:
    """Insert the events that are not stored yet; each may be marked as old."""
    feed, seq = row["id"], row["last_seq"]
    kept: list[KeptEvent] = []
    for event, is_old in events:
        kept_event = KeptEvent(seq + 1, event, at, is_old)
        values = (
            *(
                feed,
                kept_event.seq,
                event.key,
                event.task_id,
                event.kind,
                stored_instant(kept_event.moment),
                stored_instant(at),
                int(is_old),
            ),
            *(event.by, people_json(event.responsible_ids), event_json(event)),
        )
        statement = "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (feed, key) DO NOTHING"
        if connection.execute(statement, values).rowcount:
            kept.append(kept_event)
            seq = kept_event.seq
    connection.execute("UPDATE feed SET last_seq = ? WHERE id = ?", (seq, feed))
    return tuple(kept)


def _keep_tasks(feed: int, tasks: Mapping[str, Task | None], connection: SqlConnection) -> None:
    connection.executemany(
        "INSERT INTO task VALUES (?, ?, ?) ON CONFLICT (feed, task_id) DO UPDATE SET body = excluded.body",
        [(feed, task_id, task.model_dump_json()) for task_id, task in tasks.items() if task is not None],
    )
    gone = [(feed, task_id) for task_id, task in tasks.items() if task is None]
    connection.executemany("DELETE FROM task WHERE feed = ? AND task_id = ?", gone)


def to_kept_event(row: SqlRow) -> KeptEvent:
    """The event in a row. DamagedRow if it cannot be read."""
    try:
        return KeptEvent(row["seq"], event_from(row), datetime.fromisoformat(row["seen_at"]), bool(row["is_old"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedRow(f"the row of the event {row['seq']} is damaged") from error


def find_bookmark(feed: FeedName, caller: str, connection: SqlConnection) -> Bookmark | None:
    """The last event of the feed that this caller was shown."""
    sql = (
        "SELECT bookmark.* FROM bookmark JOIN feed ON feed.id = bookmark.feed "
        "WHERE place = ? AND person = ? AND caller = ?"
    )
    row = connection.execute(sql, (*feed_key(feed), caller)).fetchone()
    return None if row is None else Bookmark(row["seq"], datetime.fromisoformat(row["at"]))


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
