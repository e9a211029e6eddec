"""The protocol of a store for feeds of changes, and its values. A look is one poll of a CRM for changes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from taskhand.domain.check_result import CheckResult
from taskhand.domain.event import EventKind, TaskEvent
from taskhand.domain.event_source import Look
from taskhand.domain.task import Task

__all__ = ["Bookmark", "EventFilter", "EventQuery", "EventStore", "Feed", "FeedName", "Gap", "KeptEvent"]


@dataclass(frozen=True, slots=True)
class FeedName:
    """The account or store whose changes a feed holds; `person` for a feed read with that person's own credential.

    A person may see less in a CRM than the shared credential does, and must not see changes that it has read.
    """

    account_name: str
    person: str | None = None


@dataclass(frozen=True, slots=True)
class Feed:
    """The progress of a feed. All times are timezone-aware.

    `version` grows with every look, `position` is the starting point of the next one, `last_seq` the number of the
    newest event. Changes from before `begun_at` are known only if a caller has asked for them. `looked_at` is the start
    of the last completed look, None before the first. Looks are made until `wanted_until`.
    """

    name: FeedName
    version: int
    position: str
    begun_at: datetime
    last_seq: int = 0
    looked_at: datetime | None = None
    wanted_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class KeptEvent:
    """An event with its sequence number in the feed, which is the order in which Taskhand learned of the changes.

    `seen_at` is when Taskhand learned of it. `is_old` marks a change from before the feed began: a query by time
    returns it; a query that continues from a cursor does not.
    """

    seq: int
    event: TaskEvent
    seen_at: datetime
    is_old: bool = False

    @property
    def moment(self) -> datetime:
        """The sort key of a query by time: the time of the change, or of its discovery if that is unknown."""
        return self.event.moment or self.seen_at


@dataclass(frozen=True, slots=True)
class EventFilter:
    """The filter of a query; None or empty values do not filter.

    `person_ids` matches events whose author, or a former or present assignee of the task, is one of these. `visible_to`
    is the only member whose tasks are returned: an event without known assignees is left out.
    """

    kinds: tuple[EventKind, ...] = ()
    task_id: str | None = None
    person_ids: tuple[str, ...] = ()
    visible_to: str | None = None


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Up to `limit` events after a sequence number, in that order; or since a time, in the order of times.

    With `latest`, the last matching events, the newest last. `through` is the highest sequence number to return. A
    query with `since` includes old events; `after` is then the time and sequence number of the last event of the
    previous page.
    """

    limit: int
    after_seq: int = 0
    through: int | None = None
    since: datetime | None = None
    after: tuple[datetime, int] | None = None
    only: EventFilter = EventFilter()
    latest: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """A sentence about changes that may be missing, for a query of the time before `at`.

    `at` is the start of the look that found the gap, or the time from which the past is known.
    """

    at: datetime
    sentence: str


@dataclass(frozen=True, slots=True)
class Bookmark:
    """The last event that a caller was shown, and when."""

    seq: int
    at: datetime


class EventStore(Protocol):
    """The feeds of all accounts, for several processes; every method raises OperatorError if the store is unusable."""

    async def find_feed(self, feed: FeedName) -> Feed | None:
        """Find the progress of the feed; None if it has not begun."""
        ...

    async def begin_feed(self, feed: FeedName, position: str, at: datetime) -> Feed:
        """Begin the feed at a position; return an existing feed unchanged."""
        ...

    async def request_looks(self, feed: FeedName, until: datetime) -> None:
        """Have looks made for the feed until this time; no effect if the feed has not begun."""
        ...

    async def find_tasks(self, feed: FeedName, ids: Collection[str] | None = None) -> Mapping[str, Task]:
        """The tasks as last seen, by id: those with these ids, or all."""
        ...

    async def add_hint(self, feed: FeedName, task_ids: Collection[str], at: datetime) -> None:
        """Store a hint that these tasks were changed, on disk on return; no ids: any task may have been.

        The persons' feeds of the same account get the hint too.
        """
        ...

    async def add_hint_once(
        self, feed: FeedName, task_ids: Collection[str], at: datetime, proof: str, valid_until: datetime
    ) -> bool:
        """As `add_hint`; False, without a change, if the same proof was used before and is still valid.

        If several processes receive the same proof at once, one of them stores the hint.
        """
        ...

    async def find_hints(self, feed: FeedName) -> Mapping[str, datetime]:
        """The time of the last hint for each task; the empty id stands for a hint that named no task."""
        ...

    async def save_look(
        self,
        feed: FeedName,
        version: int,
        look: Look,
        at: datetime,
        hints: Mapping[str, datetime] | None = None,
    ) -> tuple[KeptEvent, ...] | None:
        """Commit the result of the look that began `at`, atomically; return the new events.

        `hints` are the hints of the look: they are removed, unless they were renewed meanwhile. Up to and including the
        first look that has caught up, events from before the feed began are old. None, without a change, if the version
        has changed, because another process has looked meanwhile.
        """
        ...

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
        """Store changes from before the feed began, as old; `begun_at` is the time from which they are complete.

        They are complete except for the `gap`. False, without a change, if the version has changed.
        """
        ...

    async def list_events(self, feed: FeedName, query: EventQuery) -> tuple[KeptEvent, ...]:
        """List the events of the feed that match the query."""
        ...

    async def find_gaps(self, feed: FeedName, after: datetime) -> tuple[Gap, ...]:
        """The gaps that looks after this time have found, oldest first."""
        ...

    async def find_bookmark(self, feed: FeedName, caller: str) -> Bookmark | None:
        """Find the last event of the feed that this caller was shown."""
        ...

    async def set_bookmark(self, feed: FeedName, caller: str, mark: Bookmark) -> None:
        """Store the last event of the feed that this caller was shown."""
        ...

    def kept_from(self, now: datetime) -> datetime | None:
        """The retention cutoff: older events are removed. None if events are kept forever."""
        ...

    async def prune(self, now: datetime) -> int:
        """Remove expired and surplus events, and unwanted feeds; return the number of events removed."""
        ...

    async def check_health(self) -> CheckResult:
        """Check that the store can be used; a missing one is not created. Never raises."""
        ...

    async def aclose(self) -> None:
        """Close the store after the work in progress."""
        ...
