"""The feeds of changes in a database that any number of processes may share."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Final, cast

from taskhand.domain.check_result import CheckResult
from taskhand.domain.event import TaskEvent
from taskhand.domain.event_source import Look
from taskhand.domain.parts import parts
from taskhand.domain.task import Task
from taskhand.events.event_json import event_from, event_json, instant, people_json
from taskhand.events.event_query import select_events
from taskhand.events.event_store import Bookmark, EventQuery, Feed, FeedName, Gap, KeptEvent
from taskhand.events.pruning import MAX_EVENTS, prune
from taskhand.sql.connection import DamagedRow, SqlConnection, SqlRow, placeholders
from taskhand.sql.store import SqlStore

__all__ = ["MAX_HINTS", "SqlEventStore"]

MAX_HINTS: Final = 500
"""Maximum tasks of one feed with their own hints."""
_PART: Final = 500
"""Maximum ids in one statement."""
_FEED: Final = "SELECT * FROM feed WHERE place = ? AND person = ?"


class SqlEventStore(ABC):
    """The feeds in one store; events older than `keep_days` are pruned, 0 keeps them forever."""

    def __init__(self, store: SqlStore, *, keep_days: int = 0, most_events: int = MAX_EVENTS) -> None:
        self._store = store
        self._keep_days = keep_days
        self._most_events = most_events
        self._pruned: datetime | None = None

    async def find_feed(self, feed: FeedName) -> Feed | None:
        """Find the progress of the feed; None if it has not begun."""
        return await self._store.peek(partial(_find_feed, feed))

    async def begin_feed(self, feed: FeedName, position: str, at: datetime) -> Feed:
        """Begin the feed at a position; return an existing feed unchanged."""
        return await self._store.write(partial(_begin_feed, feed, position, at))

    async def request_looks(self, feed: FeedName, until: datetime) -> None:
        """Have looks made for the feed until this time."""
        statement = (
            "UPDATE feed SET wanted_until = ? WHERE place = ? AND person = ? "
            "AND (wanted_until IS NULL OR wanted_until < ?)"
        )
        values = (instant(until), *_columns(feed), instant(until))
        await self._store.write(lambda connection: connection.execute(statement, values), durable=False)

    async def find_tasks(self, feed: FeedName, ids: Collection[str] | None = None) -> Mapping[str, Task]:
        """The tasks as last seen."""
        return await self._store.read(partial(_find_tasks, feed, ids))

    async def add_hint(self, feed: FeedName, task_ids: Collection[str], at: datetime) -> None:
        """Store a hint that these tasks were changed, for the persons' feeds of the account too."""
        await self._store.write(partial(_hint, feed, sorted({*task_ids}) or [""], at))

    async def add_hint_once(
        self, feed: FeedName, task_ids: Collection[str], at: datetime, proof: str, valid_until: datetime
    ) -> bool:
        """Do the same as `add_hint`, unless the same proof was used before."""
        ids = sorted({*task_ids}) or [""]
        return await self._store.write(partial(_hint_once, feed, ids, at, proof=proof, valid_until=valid_until))

    async def find_hints(self, feed: FeedName) -> Mapping[str, datetime]:
        """The time of the last hint for each task."""
        sql = "SELECT task_id, at FROM hint WHERE place = ? AND person = ?"
        return await self._store.peek(
            lambda connection: {
                row["task_id"]: datetime.fromisoformat(row["at"]) for row in connection.execute(sql, _columns(feed))
            }
        )

    async def save_look(
        self,
        feed: FeedName,
        version: int,
        look: Look,
        at: datetime,
        hints: Mapping[str, datetime] | None = None,
    ) -> tuple[KeptEvent, ...] | None:
        """Commit the result of a look, atomically; None if another process has looked meanwhile."""
        work = partial(_commit_look, feed, version, look=look, at=at, hints=hints or {})
        # A look without events may be repeated after a power cut; sequence numbers of events may be in cursors already.
        kept = await self._store.write(work, durable=bool(look.events), tasks=len(look.events) + len(look.tasks))
        if self._pruned is None or at - self._pruned >= timedelta(days=1):
            self._pruned = at
            await self.prune(at)
        return kept

    async def save_past_events(
        self,
        feed: FeedName,
        version: int,
        events: Sequence[TaskEvent],
        at: datetime,
        *,
        begun_at: datetime | None = None,
        gap: Gap | None = None,
    ) -> bool:
        """Store changes from before the feed began; False if another process has looked meanwhile."""
        work = partial(_keep_past, feed, version, events=events, at=at, begun_at=begun_at, gap=gap)
        return await self._store.write(work, tasks=len(events))

    async def list_events(self, feed: FeedName, query: EventQuery) -> tuple[KeptEvent, ...]:
        """List the events of the feed that match the query."""
        sql, values = select_events(feed, query)
        return await self._store.peek(
            lambda connection: tuple(_kept_event(row) for row in connection.execute(sql, values))
        )

    async def find_gaps(self, feed: FeedName, after: datetime) -> tuple[Gap, ...]:
        """The gaps that looks after this time have found."""
        sql = (
            "SELECT gap.* FROM gap JOIN feed ON feed.id = gap.feed WHERE feed.place = ? AND feed.person = ? "
            "AND gap.at > ? ORDER BY gap.at, gap.sentence"
        )
        return await self._store.peek(
            lambda connection: tuple(
                Gap(datetime.fromisoformat(row["at"]), row["sentence"])
                for row in connection.execute(sql, (*_columns(feed), instant(after)))
            )
        )

    async def find_bookmark(self, feed: FeedName, caller: str) -> Bookmark | None:
        """Find the last event of the feed that this caller was shown."""
        return await self._store.peek(partial(_find_bookmark, feed, caller))

    async def set_bookmark(self, feed: FeedName, caller: str, mark: Bookmark) -> None:
        """Store the last event of the feed that this caller was shown."""
        sql = (
            "INSERT INTO bookmark SELECT id, ?, ?, ? FROM feed WHERE place = ? AND person = ? "
            "ON CONFLICT (feed, caller) DO UPDATE SET seq = excluded.seq, at = excluded.at"
        )
        values = (caller, mark.seq, instant(mark.at), *_columns(feed))
        await self._store.write(lambda connection: connection.execute(sql, values), durable=False)

    def kept_from(self, now: datetime) -> datetime | None:
        """The retention cutoff: older events are removed."""
        return now - timedelta(days=self._keep_days) if self._keep_days else None

    async def prune(self, now: datetime) -> int:
        """Remove expired and surplus events, and feeds that are no longer wanted."""
        return await self._store.write(partial(prune, before=self.kept_from(now), most=self._most_events))

    @abstractmethod
    async def check_health(self) -> CheckResult:
        """Check that the store can be used."""

    async def aclose(self) -> None:
        """Close the store after the work in progress."""
        await self._store.aclose()


def _columns(feed: FeedName) -> tuple[str, str]:
    return feed.place, feed.person or ""


def _find_row(feed: FeedName, connection: SqlConnection) -> SqlRow | None:
    row: SqlRow | None = connection.execute(_FEED, _columns(feed)).fetchone()
    return row


def _find_feed(feed: FeedName, connection: SqlConnection) -> Feed | None:
    if (row := _find_row(feed, connection)) is None:
        return None
    begun_at, looked_at, wanted_until = (_moment(row[name]) for name in ("begun_at", "looked_at", "wanted_until"))
    if begun_at is None:
        raise DamagedRow(f"the row of the feed {feed.place} is damaged")
    return Feed(feed, row["version"], row["position"], begun_at, row["last_seq"], looked_at, wanted_until)


def _begin_feed(feed: FeedName, position: str, at: datetime, connection: SqlConnection) -> Feed:
    # Numbers start at the current time, so those of a new feed are higher than all in cursors of a removed feed.
    first = max(0, int(at.timestamp()))
    connection.execute(
        "INSERT INTO feed (place, person, version, position, last_seq, begun_at) VALUES (?, ?, 0, ?, ?, ?) "
        "ON CONFLICT (place, person) DO NOTHING",
        (*_columns(feed), position, first, instant(at)),
    )
    return cast("Feed", _find_feed(feed, connection))


def _find_tasks(feed: FeedName, ids: Collection[str] | None, connection: SqlConnection) -> dict[str, Task]:
    sql = "SELECT task_id, body FROM task JOIN feed ON feed.id = task.feed WHERE place = ? AND person = ?"
    rows: Iterable[SqlRow]
    if ids is None:
        rows = connection.execute(sql, _columns(feed))
    else:
        rows = (
            row
            for part in parts(sorted({*ids}), _PART)
            for row in connection.execute(f"{sql} AND task_id IN ({placeholders(part)})", (*_columns(feed), *part))
        )
    return {row["task_id"]: Task.model_validate_json(row["body"]) for row in rows}


def _hint(feed: FeedName, task_ids: Sequence[str], at: datetime, connection: SqlConnection) -> None:
    persons = {feed.person or ""}
    if feed.person is None:
        rows = connection.execute("SELECT person FROM feed WHERE place = ?", (feed.place,))
        persons |= {row["person"] for row in rows}
    connection.executemany(
        "INSERT INTO hint VALUES (?, ?, ?, ?) "
        "ON CONFLICT (place, person, task_id) DO UPDATE SET at = excluded.at WHERE hint.at < excluded.at",
        [(feed.place, person, task_id, instant(at)) for person in sorted(persons) for task_id in task_ids],
    )
    for person in sorted(persons):
        _join_hints(FeedName(feed.place, person), at, connection)


def _join_hints(feed: FeedName, at: datetime, connection: SqlConnection) -> None:
    """Replace too many hints by one that names no task: a look would take long to read each task."""
    mine = "FROM hint WHERE place = ? AND person = ?"
    count = connection.execute(f"SELECT count(*) AS found {mine}", _columns(feed)).fetchone()
    if count["found"] > MAX_HINTS:
        connection.execute(f"DELETE {mine}", _columns(feed))
        connection.execute("INSERT INTO hint VALUES (?, ?, '', ?)", (*_columns(feed), instant(at)))


def _hint_once(
    feed: FeedName,
    task_ids: Sequence[str],
    at: datetime,
    connection: SqlConnection,
    *,
    proof: str,
    valid_until: datetime,
) -> bool:
    connection.execute("DELETE FROM delivery WHERE valid_until < ?", (instant(at),))
    known = sha256(f"{feed.place}\0{proof}".encode()).hexdigest()
    statement = "INSERT INTO delivery VALUES (?, ?) ON CONFLICT (proof) DO NOTHING"
    if not connection.execute(statement, (known, instant(valid_until))).rowcount:
        return False
    _hint(feed, task_ids, at, connection)
    return True


def _take_version(feed: FeedName, version: int, connection: SqlConnection) -> SqlRow | None:
    """Lock the row of the feed until the end of the transaction and return it; None if the version has changed."""
    statement = "UPDATE feed SET version = version + 1 WHERE place = ? AND person = ? AND version = ?"
    if not connection.execute(statement, (*_columns(feed), version)).rowcount:
        return None
    return _find_row(feed, connection)


def _commit_look(
    feed: FeedName, version: int, connection: SqlConnection, *, look: Look, at: datetime, hints: Mapping[str, datetime]
) -> tuple[KeptEvent, ...] | None:
    if (row := _take_version(feed, version, connection)) is None:
        return None
    is_first, begun_at = row["looked_at"] is None, datetime.fromisoformat(row["begun_at"])
    old = [is_first and (moment := one.moment) is not None and moment < begun_at for one in look.events]
    kept = _insert_events(row, zip(look.events, old, strict=True), at, connection)
    if look.gap is not None:
        _keep_gap(row["id"], Gap(at, look.gap), connection)
    _keep_tasks(row["id"], look.tasks, connection)
    connection.executemany(
        "DELETE FROM hint WHERE place = ? AND person = ? AND task_id = ? AND at <= ?",
        [(*_columns(feed), task_id, instant(hinted)) for task_id, hinted in sorted(hints.items())],
    )
    looked_at = row["looked_at"] if look.is_behind and is_first else instant(at)
    connection.execute(
        "UPDATE feed SET position = ?, looked_at = ? WHERE id = ?", (look.position, looked_at, row["id"])
    )
    return kept


def _keep_past(
    feed: FeedName,
    version: int,
    connection: SqlConnection,
    *,
    events: Sequence[TaskEvent],
    at: datetime,
    begun_at: datetime | None,
    gap: Gap | None,
) -> bool:
    if (row := _take_version(feed, version, connection)) is None:
        return False
    _insert_events(row, ((one, True) for one in events), at, connection)
    if begun_at is not None:
        sql = "UPDATE feed SET begun_at = ? WHERE id = ? AND begun_at > ?"
        connection.execute(sql, (instant(begun_at), row["id"], instant(begun_at)))
    if gap is not None:
        _keep_gap(row["id"], gap, connection)
    return True


def _keep_gap(feed: int, gap: Gap, connection: SqlConnection) -> None:
    sql = "INSERT INTO gap VALUES (?, ?, ?) ON CONFLICT (feed, at, sentence) DO NOTHING"
    connection.execute(sql, (feed, instant(gap.at), gap.sentence))


def _insert_events(
    row: SqlRow, events: Iterable[tuple[TaskEvent, bool]], at: datetime, connection: SqlConnection
) -> tuple[KeptEvent, ...]:
    """Insert the events that are not stored yet; each may be marked as old."""
    feed, seq = row["id"], row["last_seq"]
    kept: list[KeptEvent] = []
    for event, is_old in events:
        one = KeptEvent(seq + 1, event, at, is_old)
        values = (
            *(feed, one.seq, event.key, event.task_id, event.kind, instant(one.moment), instant(at), int(is_old)),
            *(event.by, people_json(event.responsible_ids), event_json(event)),
        )
        statement = "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (feed, key) DO NOTHING"
        if connection.execute(statement, values).rowcount:
            kept.append(one)
            seq = one.seq
    connection.execute("UPDATE feed SET last_seq = ? WHERE id = ?", (seq, feed))
    return tuple(kept)


def _keep_tasks(feed: int, tasks: Mapping[str, Task | None], connection: SqlConnection) -> None:
    connection.executemany(
        "INSERT INTO task VALUES (?, ?, ?) ON CONFLICT (feed, task_id) DO UPDATE SET body = excluded.body",
        [(feed, task_id, task.model_dump_json()) for task_id, task in tasks.items() if task is not None],
    )
    gone = [(feed, task_id) for task_id, task in tasks.items() if task is None]
    connection.executemany("DELETE FROM task WHERE feed = ? AND task_id = ?", gone)


def _kept_event(row: SqlRow) -> KeptEvent:
    try:
        return KeptEvent(row["seq"], event_from(row), datetime.fromisoformat(row["seen_at"]), bool(row["is_old"]))
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedRow(f"the row of the event {row['seq']} is damaged") from error


def _find_bookmark(feed: FeedName, caller: str, connection: SqlConnection) -> Bookmark | None:
    sql = (
        "SELECT bookmark.* FROM bookmark JOIN feed ON feed.id = bookmark.feed "
        "WHERE place = ? AND person = ? AND caller = ?"
    )
    row = connection.execute(sql, (*_columns(feed), caller)).fetchone()
    return None if row is None else Bookmark(row["seq"], datetime.fromisoformat(row["at"]))


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
