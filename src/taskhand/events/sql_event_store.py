"""The feeds of changes in a database that any number of processes may share."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from taskhand.domain.check_result import CheckResult
from taskhand.domain.event import TaskEvent
from taskhand.domain.event_source import Look
from taskhand.domain.task import Task
from taskhand.events import feed_rows
from taskhand.events.event_query import select_events
from taskhand.events.event_store import Bookmark, EventQuery, Feed, FeedName, Gap, KeptEvent
from taskhand.events.pruning import MAX_EVENTS, prune_events
from taskhand.sql.connection import stored_instant
from taskhand.sql.store import SqlStore

__all__ = ["SqlEventStore"]


class SqlEventStore(ABC):
    """The feeds in one store; events older than `keep_days` are pruned, 0 keeps them forever."""

    def __init__(self, store: SqlStore, *, keep_days: int = 0, most_events: int = MAX_EVENTS) -> None:
        self._store = store
        self._keep_days = keep_days
        self._most_events = most_events
        self._pruned: datetime | None = None

    async def find_feed(self, feed: FeedName) -> Feed | None:
        """Find the progress of the feed; None if it has not begun."""
        return await self._store.peek(partial(feed_rows.find_feed, feed))

    async def begin_feed(self, feed: FeedName, position: str, at: datetime) -> Feed:
        """Begin the feed at a position; return an existing feed unchanged."""
        return await self._store.write(partial(feed_rows.begin_feed, feed, position, at))

    async def request_looks(self, feed: FeedName, until: datetime) -> None:
        """Have looks made for the feed until this time."""
        statement = (
            "UPDATE feed SET wanted_until = ? WHERE place = ? AND person = ? "
            "AND (wanted_until IS NULL OR wanted_until < ?)"
        )
        values = (stored_instant(until), *feed_rows.feed_key(feed), stored_instant(until))
        await self._store.write(lambda connection: connection.execute(statement, values), durable=False)

    async def find_tasks(self, feed: FeedName, ids: Collection[str] | None = None) -> Mapping[str, Task]:
        """The tasks as last seen."""
        return await self._store.read(partial(feed_rows.find_tasks, feed, ids))

    async def add_hint(self, feed: FeedName, task_ids: Collection[str], at: datetime) -> None:
        """Store a hint that these tasks were changed, for the persons' feeds of the account too."""
        await self._store.write(partial(feed_rows.add_hint, feed, sorted({*task_ids}) or [""], at))

    async def add_hint_once(
        self, feed: FeedName, task_ids: Collection[str], at: datetime, proof: str, valid_until: datetime
    ) -> bool:
        """As `add_hint`; False, without a change, if the same proof was used before and is still valid."""
        ids = sorted({*task_ids}) or [""]
        return await self._store.write(
            partial(feed_rows.add_hint_once, feed, ids, at, proof=proof, valid_until=valid_until)
        )

    async def find_hints(self, feed: FeedName) -> Mapping[str, datetime]:
        """The time of the last hint for each task."""
        sql = "SELECT task_id, at FROM hint WHERE place = ? AND person = ?"
        return await self._store.peek(
            lambda connection: {
                row["task_id"]: datetime.fromisoformat(row["at"])
                for row in connection.execute(sql, feed_rows.feed_key(feed))
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
        work = partial(feed_rows.save_look, feed, version, look=look, at=at, hints=hints or {})
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
        work = partial(feed_rows.save_past_events, feed, version, events=events, at=at, begun_at=begun_at, gap=gap)
        return await self._store.write(work, tasks=len(events))

    async def list_events(self, feed: FeedName, query: EventQuery) -> tuple[KeptEvent, ...]:
        """List the events of the feed that match the query."""
        sql, values = select_events(feed, query)
        return await self._store.peek(
            lambda connection: tuple(feed_rows.to_kept_event(row) for row in connection.execute(sql, values))
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
                for row in connection.execute(sql, (*feed_rows.feed_key(feed), stored_instant(after)))
            )
        )

    async def find_bookmark(self, feed: FeedName, caller: str) -> Bookmark | None:
        """Find the last event of the feed that this caller was shown."""
        return await self._store.peek(partial(feed_rows.find_bookmark, feed, caller))

    async def set_bookmark(self, feed: FeedName, caller: str, mark: Bookmark) -> None:
        """Store the last event of the feed that this caller was shown."""
        sql = (
            "INSERT INTO bookmark SELECT id, ?, ?, ? FROM feed WHERE place = ? AND person = ? "
            "ON CONFLICT (feed, caller) DO UPDATE SET seq = excluded.seq, at = excluded.at"
        )
        values = (caller, mark.seq, stored_instant(mark.at), *feed_rows.feed_key(feed))
        await self._store.write(lambda connection: connection.execute(sql, values), durable=False)

    def kept_from(self, now: datetime) -> datetime | None:
        """The retention cutoff: older events are removed."""
        return now - timedelta(days=self._keep_days) if self._keep_days else None

    async def prune(self, now: datetime) -> int:
        """Remove expired and surplus events, and feeds that are no longer wanted."""
        return await self._store.write(partial(prune_events, before=self.kept_from(now), most=self._most_events))

    @abstractmethod
    async def check_health(self) -> CheckResult:
        """Check that the store can be used."""

    async def aclose(self) -> None:
        """Close the store after the work in progress."""
        await self._store.aclose()
