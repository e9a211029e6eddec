"""One poll of the feed of an account: all changes since the previous poll, by any author, are stored."""

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from taskhand.call.background_requests import is_idle
from taskhand.call.deadline import part_of_call, time_left
from taskhand.domain.errors import CallerError
from taskhand.domain.event_source import EventSource
from taskhand.domain.task import Task
from taskhand.events.event_store import EventStore, Feed, FeedName, KeptEvent
from taskhand.service.app_context import AppContext
from taskhand.service.change_announcements import feed_id
from taskhand.service.events.own_changes_between_polls import find_own_changes
from taskhand.service.events.own_write_matching import with_change_ids

__all__ = ["KnownView", "feed_of", "find_source", "look", "no_feed_error"]

_log = logging.getLogger(__name__)

_MAX_POLLS: Final = 20
"""Maximum number of polls in one call, while the feed is behind."""
_WAIT_SHARE: Final = 0.4
"""The share of a poll's time for which it waits for another poll in progress."""
_MIN_LEFT_S: Final = 2.0
"""Minimum seconds that must be left for another poll."""
_SHOWN_LATE: Final = timedelta(minutes=5)
"""Maximum delay before a CRM shows a change."""
_WHOLE_SECOND: Final = timedelta(seconds=1)
"""Maximum lead of a CRM's clock over its own timestamps, which are in whole seconds."""


async def feed_of(app: AppContext) -> FeedName:
    """The feed for this caller: that of the shared credential, or of the caller's own."""
    account_name, *_ = await app.journal.account_names(create=True)
    return FeedName(account_name, app.principal.subject if await app.uses_own_credential() else None)


def find_source(app: AppContext, feed: FeedName) -> EventSource | None:
    """The source of a feed; None if the backend cannot report changes.

    The shared feed ignores a credential that its caller linked meanwhile.
    """
    return (app if feed.person else app.shared).backend.event_source


def no_feed_error(app: AppContext) -> CallerError:
    """The error if the backend cannot report changes."""
    return CallerError(
        f"{app.connection.title or 'This backend'} does not report changes by others.",
        code="unsupported",
        next_step="Use list_changes for changes made here, or list_tasks with dateField updated and fromDate.",
    )


async def look(app: AppContext, *, unless_after: datetime | None = None) -> tuple[KeptEvent, ...]:
    """Poll this caller's feed, which begins with its first poll; return the new events.

    With `unless_after`, nothing is done if a poll has begun after that moment. CallerError if the backend reports no
    changes, or if another call polls for as long as this one may wait; other errors as of the backend and the store.
    """
    feed, store = await feed_of(app), app.events
    source = find_source(app, feed)
    if source is None or store is None:
        raise no_feed_error(app)
    if not is_idle():
        app.feed_demand.hurry()
    async with AsyncExitStack() as held:
        try:
            with part_of_call(_WAIT_SHARE):
                await held.enter_async_context(app.lock(f"feed {feed.person or ''}"))
        except CallerError:
            raise _still_looking_error() from None
        state = await store.find_feed(feed) or await _begin(app, feed, source, store)
        # A poll in the future is of a replica whose clock is ahead, and stops no poll of the others.
        if unless_after is not None and (last := state.looked_at) and unless_after < last <= app.clock():
            return ()
        return await _look_till_now(app, state, source, store)


def _still_looking_error() -> CallerError:
    return CallerError(
        "Another call is still looking for changes.",
        code="in_progress",
        retryable=True,
        next_step="Send the same call again in a moment.",
    )


async def _begin(app: AppContext, feed: FeedName, source: EventSource, store: EventStore) -> Feed:
    """Begin the feed now, or at the start of the demand for it, by the clock of the CRM.

    A poll begins some minutes before the feed, because a CRM may show changes late; earlier events are stored as old.
    A source that compares has nothing from before its first poll.
    """
    theirs = await app.backend.account.upstream_time()
    at = theirs or app.clock()
    if source.compares:
        return await store.begin_feed(feed, await source.begin(at), at + _WHOLE_SECOND if theirs else at)
    at -= timedelta(seconds=app.feed_demand.waited_s(app.call_time.monotonic()))
    return await store.begin_feed(feed, await source.begin(at - _SHOWN_LATE), at)


async def _look_till_now(app: AppContext, state: Feed, source: EventSource, store: EventStore) -> tuple[KeptEvent, ...]:
    """Poll until the feed is current, or the call's time runs out; returns the new events."""
    kept_events: list[KeptEvent] = []
    feed: Feed | None = state
    for _ in range(_MAX_POLLS):
        if feed is None:
            break
        done = await _look_once(app, feed, source, store)
        kept, is_behind = done or ((), True)
        kept_events += kept
        if not is_behind or time_left() < _MIN_LEFT_S:
            break
        feed = await store.find_feed(state.name)
    return tuple(kept_events)


async def _look_once(
    app: AppContext, feed: Feed, source: EventSource, store: EventStore
) -> tuple[tuple[KeptEvent, ...], bool] | None:
    """The new events of one poll, and whether more are waiting; None if another process polled meanwhile."""
    at, hints = app.clock(), await store.find_hints(feed.name)
    known = KnownView(store, feed.name)
    own_changes = await find_own_changes(app, feed, known, at) if source.compares else None
    if own_changes is not None:
        known.overlay = own_changes.tasks
    look = await source.look(
        own_changes.position if own_changes else feed.position, known, [hint for hint in hints if hint]
    )
    look = await own_changes.complete(app, look) if own_changes else look
    look = replace(look, events=await with_change_ids(app, feed.name, look.events, at))
    kept = await store.save_look(feed.name, feed.version, look, at, hints)
    if kept is None:
        return None
    new = tuple(event for event in kept if not event.is_old)
    app.updates.announce(_to_announce(feed.name, new))
    return new, look.is_behind


def _to_announce(feed: FeedName, new: Sequence[KeptEvent]) -> Iterator[str]:
    """The ids to announce: the feed's, and those of tasks; Taskhand's own writes were announced before."""
    if new:
        yield feed_id(feed.person)
    people = {person for kept_event in new for person in kept_event.event.responsible_ids or ()}
    yield from (feed_id(feed.person, person) for person in sorted(people))
    yield from dict.fromkeys(kept_event.event.task_id for kept_event in new if kept_event.event.change_id is None)


class KnownView:
    """The tasks as the last poll left them, updated with newer knowledge."""

    def __init__(self, store: EventStore, feed: FeedName) -> None:
        self.overlay: Mapping[str, Task | None] = {}
        self._store = store
        self._feed = feed

    async def find(self, ids: Collection[str]) -> Mapping[str, Task]:
        """The known tasks with these ids."""
        return self._with_overlay(await self._store.find_tasks(self._feed, ids), ids)

    async def find_all(self) -> Mapping[str, Task]:
        """All known tasks."""
        return self._with_overlay(await self._store.find_tasks(self._feed), self.overlay)

    def _with_overlay(self, tasks: Mapping[str, Task], ids: Collection[str]) -> Mapping[str, Task]:
        given = {task_id: self.overlay[task_id] for task_id in ids if task_id in self.overlay}
        return {task_id: task for task_id, task in {**tasks, **given}.items() if task is not None}
