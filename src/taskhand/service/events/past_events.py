"""Changes from before the start of a feed, read on request if the CRM still reports them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from taskhand.call.deadline import part_of_call, time_left
from taskhand.domain.due import moment_text
from taskhand.domain.errors import TaskhandError
from taskhand.domain.event import TaskEvent
from taskhand.domain.event_source import EventSource
from taskhand.domain.receipt import join_notes
from taskhand.domain.task import Task
from taskhand.events.event_store import EventStore, Feed, Gap
from taskhand.service.app_context import AppContext
from taskhand.service.events.feed_poll import find_source
from taskhand.service.events.own_write_matching import with_change_ids

__all__ = ["learn_past"]

_SHARE: Final = 0.7
"""The share of a call's remaining time that reading the past may take."""
_MAX_POLLS: Final = 40
_MIN_LEFT_S: Final = 2.0
_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class _Past:
    """The events of the past as far as they were read; `gap` as in Look, `is_whole` whether none is left."""

    events: tuple[TaskEvent, ...]
    is_whole: bool
    gap: str | None = None

    def find_gap(self, begun_at: datetime) -> Gap | None:
        """The gap before the first of the events, for later callers too."""
        moments = [event.moment for event in self.events if event.moment is not None]
        return None if self.gap is None else Gap(min(moments, default=begun_at), self.gap)


async def learn_past(
    app: AppContext, store: EventStore, feed: Feed, since: datetime, *, can_ask: bool = True
) -> str | None:
    """Store the changes between a moment and the start of a feed; return remarks for the caller.

    `can_ask` is whether the CRM has just answered.
    """
    first = store.kept_from(app.clock())
    if first is None or since >= first:
        return await _learn(app, store, feed, since, can_ask=can_ask)
    note = f"Changes are kept here from {_on_clock(app, first)} on."
    return join_notes(await _learn(app, store, feed, first, can_ask=can_ask), note)


async def _learn(app: AppContext, store: EventStore, feed: Feed, since: datetime, *, can_ask: bool) -> str | None:
    if since >= feed.begun_at:
        return None
    source = find_source(app, feed.name)
    begun = _on_clock(app, feed.begun_at)
    if source is None or source.compares or not can_ask:
        return f"Changes are known from {begun} on."
    try:
        with part_of_call(_SHARE):
            past = await _read_past(source, feed, since)
    except TaskhandError as error:
        return f"Changes before {begun} could not be read: {error.message}"
    if await _keep(app, store, feed, since, past) and past.is_whole:
        return past.gap
    last = _on_clock(app, max((event.moment for event in past.events if event.moment), default=since))
    return f"Changes from {last} to {begun} may be missing: send a later since."


def _on_clock(app: AppContext, at: datetime) -> str:
    """The moment in the configured zone, else in that of the server's clock."""
    return moment_text(at.astimezone(app.reference.calendar), None)


async def _keep(app: AppContext, store: EventStore, feed: Feed, since: datetime, past: _Past) -> bool:
    """Store the past events; False if other calls poll the feed all the time."""
    now = app.clock()
    events = await with_change_ids(app, feed.name, past.events, now)
    begun_at, gap = (since, past.find_gap(feed.begun_at)) if past.is_whole else (None, None)
    for _ in range(_TRIES):
        current = await store.find_feed(feed.name) or feed
        if await store.save_past_events(feed.name, current.version, events, now, begun_at=begun_at, gap=gap):
            return True
    return False


class _KnownThen:
    """The tasks as the polls of the past left them; the current states of the tasks are newer."""

    def __init__(self) -> None:
        self._tasks: dict[str, Task] = {}

    async def find(self, ids: Collection[str]) -> Mapping[str, Task]:
        """The known tasks with these ids."""
        return {task_id: self._tasks[task_id] for task_id in ids if task_id in self._tasks}

    async def find_all(self) -> Mapping[str, Task]:
        """All known tasks."""
        return dict(self._tasks)

    def keep(self, tasks: Mapping[str, Task | None]) -> None:
        """Remember the tasks of a poll."""
        known = {**self._tasks, **tasks}
        self._tasks = {task_id: task for task_id, task in known.items() if task is not None}


async def _read_past(source: EventSource, feed: Feed, since: datetime) -> _Past:
    """Poll from the moment until the start of the feed."""
    position, known = await source.begin(since), _KnownThen()
    events: list[TaskEvent] = []
    gap: str | None = None
    for _ in range(_MAX_POLLS):
        look = await source.look(position, known)
        position, gap = look.position, gap or look.gap
        known.keep(look.tasks)
        events += [event for event in look.events if event.moment is not None and since <= event.moment < feed.begun_at]
        is_past = bool(look.events) and all(
            event.moment is not None and event.moment >= feed.begun_at for event in look.events
        )
        if not look.is_behind or is_past:
            return _Past(tuple(events), is_whole=True, gap=gap)
        if time_left() < _MIN_LEFT_S:
            break
    return _Past(tuple(events), is_whole=False)
