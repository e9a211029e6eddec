"""The protocol of the place where feeds of changes are kept, and its values."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from taskhand.domain.change_source import Look
from taskhand.domain.check_result import CheckResult
from taskhand.domain.event import EventKind, TaskEvent
from taskhand.domain.task import Task

__all__ = ["Bookmark", "EventFilter", "EventQuery", "EventStore", "Feed", "FeedName", "Gap", "KeptEvent"]


@dataclass(frozen=True, slots=True)
class FeedName:
    """The account or store whose changes are in a feed; `person` if the changes are as one person's credential sees.

    A person may see less in a CRM than the shared credential does, and is shown nothing that came by that.
    """

    place: str
    person: str | None = None


@dataclass(frozen=True, slots=True)
class Feed:
    """How far a feed is. All moments are aware.

    `version` grows with every look, `position` is if the next one goes on, `last_seq` is the number of the newest
    event. What changed before `begun_at` is known only if somebody asked for it. `looked_at` is when the last look
    began, None before the first has ended. `wanted_until` is until when somebody wants to know of new changes.
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
    """An event with its number in the feed, which is the order in which Taskhand has learned of the changes.

    `seen_at` is when that was. `is_old` is whether it was before the feed began: it is shown to who asks for the time
    then, and not to who goes on from a cursor.
    """

    seq: int
    event: TaskEvent
    seen_at: datetime
    is_old: bool = False

    @property
    def moment(self) -> datetime:
        """What it is sorted by if a moment is asked for: that of the change, else when it was learned of."""
        return self.event.moment or self.seen_at


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are shown; what is None or empty filters nothing.

    `person_ids` are people of whom one did it, or was responsible for the task before or after it. `visible_to` is the
    only member whose tasks are shown: an event whose responsibles are unknown is not.
    """

    kinds: tuple[EventKind, ...] = ()
    task_id: str | None = None
    person_ids: tuple[str, ...] = ()
    visible_to: str | None = None


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Up to `limit` events after a number, in the order of their numbers; or since a moment, in the order of moments.

    With `latest` they are the last ones of these, still the newest last. `through` is the highest number that belongs
    to the list. With `since` old events are among them, and `after` is the moment and the number of the last one that
    was shown.
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
    """What may be missing, as a sentence, to who asks for the time before `at`.

    That is when the look began that has found it so, or from when on the past is known.
    """

    at: datetime
    sentence: str


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Up to which event a caller has been shown, and when that was."""

    seq: int
    at: datetime


class EventStore(Protocol):
    """The feeds of all accounts, for several processes; every method raises OperatorError if it is unusable."""

    async def find_feed(self, feed: FeedName) -> Feed | None:
        """How far the feed is; None if it has not begun."""
        ...

    async def begin_feed(self, feed: FeedName, position: str, at: datetime) -> Feed:
        """Begin the feed at a position, unless it has begun already: then as it is."""
        ...

    async def want(self, feed: FeedName, until: datetime) -> None:
        """Somebody wants to know of new changes until then; nothing if the feed has not begun."""
        ...

    async def find_tasks(self, feed: FeedName, ids: Collection[str] | None = None) -> Mapping[str, Task]:
        """The tasks as they were seen last, by id: those of these ids, or all."""
        ...

    async def hint(self, feed: FeedName, task_ids: Collection[str], at: datetime) -> None:
        """Keep, on disk when this returns, that somebody says that these tasks were changed; no ids: some task was.

        The feeds that persons have of the same account get the hint too.
        """
        ...

    async def hint_once(
        self, feed: FeedName, task_ids: Collection[str], at: datetime, proof: str, valid_until: datetime
    ) -> bool:
        """As `hint`, unless somebody has brought the same proof before, and it is still valid: then nothing, False.

        However many processes are told at once, one of them keeps the hint.
        """
        ...

    async def find_hints(self, feed: FeedName) -> Mapping[str, datetime]:
        """When each task was hinted at last; the id is empty if somebody said only that some task was changed."""
        ...

    async def commit_look(
        self,
        feed: FeedName,
        version: int,
        look: Look,
        at: datetime,
        hints: Mapping[str, datetime] | None = None,
    ) -> tuple[KeptEvent, ...] | None:
        """Keep what the look that began `at` has found, wholly or not at all; the events that are new.

        `hints` are those that the look was given: they are removed, unless they came again. Before the first look,
        which is not behind, events from before the feed began are old. If the version has moved, because another
        process has looked meanwhile, nothing is written: None.
        """
        ...

    async def keep_past(
        self,
        feed: FeedName,
        version: int,
        events: Sequence[TaskEvent],
        at: datetime,
        *,
        begun_at: datetime | None = None,
        gap: Gap | None = None,
    ) -> bool:
        """Keep changes from before the feed began, as old; `begun_at` is from when on it knows them all by then.

        All but what is missing by the `gap`. False, and nothing is written, if the version has moved.
        """
        ...

    async def list_events(self, feed: FeedName, query: EventQuery) -> tuple[KeptEvent, ...]:
        """Events of the feed."""
        ...

    async def find_gaps(self, feed: FeedName, after: datetime) -> tuple[Gap, ...]:
        """What may be missing as looks after a moment have found, the oldest first."""
        ...

    async def find_bookmark(self, feed: FeedName, caller: str) -> Bookmark | None:
        """Up to where this caller has been shown the feed."""
        ...

    async def set_bookmark(self, feed: FeedName, caller: str, mark: Bookmark) -> None:
        """Keep up to where this caller has been shown the feed."""
        ...

    def kept_from(self, now: datetime) -> datetime | None:
        """The moment before which events are too old to be kept; None if none is."""
        ...

    async def prune(self, now: datetime) -> int:
        """Remove what is too old or too much, and feeds that nobody wants any more; how many events that were."""
        ...

    async def check_health(self) -> CheckResult:
        """Check that the store can be used; one that is not there yet is not made. Never raises."""
        ...

    async def aclose(self) -> None:
        """Close the store after what is under way."""
        ...
