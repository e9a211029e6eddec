"""List the changes in the CRM by any author: since a moment, a cursor, or the caller's last list."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from taskhand.call.deadline import part_of_call
from taskhand.domain import task_rules
from taskhand.domain.due import moment_text
from taskhand.domain.errors import TaskhandError
from taskhand.domain.event import EventKind
from taskhand.domain.name_matching import Match
from taskhand.events.event_store import Bookmark, EventFilter, EventQuery, EventStore, Feed, FeedName, KeptEvent
from taskhand.service.app_context import AppContext
from taskhand.service.events.event_cursor import EventCursors, Start
from taskhand.service.events.feed_demand import WANTED_FOR_S
from taskhand.service.events.feed_poll import feed_of, find_source, look, no_feed_error
from taskhand.service.events.own_write_matching import CLOCKS
from taskhand.service.events.past_events import learn_past
from taskhand.service.events.unlisted_writes import describe_unlisted_writes
from taskhand.service.visible_changes import find_visible_member, hide_changes, show_to

__all__ = ["EventPage", "EventsRequest", "list_events", "list_latest_events", "save_position"]

_SHARE: Final = 0.6
"""The share of a call's time for polls; the rest is for the answer."""
_LATER_SHARE: Final = 0.35
"""The same share if the call can be answered without a poll."""
_LATELY: Final = timedelta(days=1)
_WANTED_FOR: Final = timedelta(seconds=WANTED_FOR_S)
_FRESH: Final = timedelta(seconds=5)
"""The latest events are listed without another poll for this long after one."""
_MAX_MEANWHILE: Final = 1_000
_IN_UTC: Final = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\dZ", re.ASCII)


@dataclass(frozen=True, slots=True)
class EventsRequest:
    """The query of a caller: up to `limit` events after a cursor, else since a moment, else since the last list.

    `caller` is the key of the caller's last list. `is_all` replaces it: all stored events, and those of the last day.
    `person_ids` are authors of events, or people responsible for the task. `matched` are the names and the day that
    were sent in words. `unknown` are the errors of names that are not known here, which the query leaves out.
    """

    caller: str
    limit: int
    cursor: str | None = None
    since: datetime | None = None
    kinds: tuple[EventKind, ...] = ()
    task_id: str | None = None
    person_ids: tuple[str, ...] = ()
    is_all: bool = False
    matched: tuple[Match, ...] = ()
    unknown: Mapping[str, TaskhandError] = field(default_factory=dict)

    @property
    def bookmark(self) -> str:
        """The key under which the position of the caller's last list with these filters is stored."""
        return f"{self.caller} {self.filters}" if self.filters else self.caller

    @property
    def filters(self) -> str | None:
        """The filters in canonical form; None if there are none."""
        filters = (sorted(self.kinds), self.task_id, sorted(self.person_ids))
        return repr(filters) if any(filters) else None


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events, the newest last; `positions` are the cursors after each of them, and `cursor` is the one after all.

    `more` is whether more events follow. The list covers the time from `since` to `at`; `since` is None for the first
    list of a caller, which is empty. `skips` is whether the caller may have missed earlier events. `notes` name
    possible gaps with their reasons. `is_failed` is whether the CRM could not be reached. `tells_past` is whether the
    CRM reports changes from before the feed. `filters` are those of the query.
    """

    feed: FeedName
    events: tuple[KeptEvent, ...]
    positions: tuple[str, ...]
    cursor: str
    more: bool
    since: datetime | None
    at: datetime
    notes: tuple[str, ...] = ()
    filters: str | None = None
    skips: bool = False
    is_failed: bool = False
    tells_past: bool = True

    def cursor_after(self, shown: int) -> str:
        """The cursor after this number of events."""
        return self.cursor if shown == len(self.events) else self.positions[shown - 1]

    def latest(self, count: int) -> "EventPage":
        """The page with only this number of its events, the latest, and the time since the first of them."""
        if count == len(self.events):
            return self
        events = self.events[-count:]
        return replace(self, events=events, positions=self.positions[-count:], since=events[0].moment)


async def list_events(app: AppContext, request: EventsRequest, *, looks: bool = True) -> EventPage:
    """The changes that the caller may see; polls the CRM first, if that may find more.

    Without `looks` the CRM is not polled. If the CRM cannot be reached, the stored events are listed with a note; if
    there are none, its error is raised. CallerError if the backend reports no changes, and for the cursor of another
    list.
    """
    if request.task_id is not None:
        task_rules.check_id(request.task_id, app.backend.capabilities, has_id_property=False)
    name = await feed_of(app)
    store, source = app.events, find_source(app, name)
    if store is None or source is None:
        raise no_feed_error(app)
    cursors = _cursors_of(app, app.clock(), request.filters)
    given = None if request.cursor is None else cursors.read(request.cursor)
    is_known = not looks or (given is not None and given.through is not None)
    asked_at, before = app.clock(), await store.find_feed(name)
    share = _SHARE if before is None or before.looked_at is None else _LATER_SHARE
    failed = None if is_known else await _poll(app, asked_at, share)
    feed = await store.find_feed(name)
    if feed is None:
        raise failed or no_feed_error(app)
    notes = [_describe_failure(app, feed, failed), source.describe_waiting(feed.position)]
    last = await _find_last(store, feed, request)
    start = (
        _check_start(feed, given) if given else _find_start(app, feed, request, last, tells_past=not source.compares)
    )
    if start is None or (start.since is not None and given is None):
        notes.append(source.remark)
    if start is not None and start.since is not None and start.through is None:
        notes.append(await learn_past(app, store, feed, start.since, can_ask=failed is None))
        feed = await store.find_feed(name) or feed
        start = replace(start, through=feed.last_seq)
    await store.request_looks(name, app.clock() + _WANTED_FOR)
    app.feed_demand.use(app)
    if start is None:
        page = _start_now(app, feed, await _find_now(store, feed, before, asked_at), request.filters)
    else:
        page = await _read_page(app, store, feed, start, request)
        notes += [gap.sentence for gap in await store.find_gaps(name, start.at)]
    if not page.more and not request.kinds and not request.person_ids:
        listed = {kept_event.event.change_id for kept_event in page.events if kept_event.event.change_id is not None}
        notes.append(await describe_unlisted_writes(app, page.since, listed, request.task_id))
    return replace(
        page,
        notes=_on_clock(app, notes),
        skips=_leaves_out_events(request, given, last),
        is_failed=failed is not None,
        tells_past=not source.compares,
    )


async def list_latest_events(app: AppContext, limit: int) -> EventPage:
    """The latest changes that the caller may see; not counted as a list of the caller. Errors as in `list_events`."""
    name = await feed_of(app)
    store, source = app.events, find_source(app, name)
    if store is None or source is None:
        raise no_feed_error(app)
    failed = await _poll(app, app.clock() - _FRESH)
    feed = await store.find_feed(name)
    if feed is None:
        raise failed or no_feed_error(app)
    app.feed_demand.use(app)
    at = max(feed.looked_at or feed.begun_at, feed.begun_at)
    only = EventFilter(visible_to=await find_visible_member(app))
    query = EventQuery(limit, through=feed.last_seq, since=feed.begun_at, only=only, latest=True)
    events = await hide_changes(app, await _list(store, name, query))
    cursors = _cursors_of(app, at)
    since = events[0].moment if len(events) == limit else feed.begun_at
    positions = tuple(cursors.behind_number(event.seq) for event in events)
    gaps = [gap.sentence for gap in await store.find_gaps(name, since)]
    waiting = source.describe_waiting(feed.position)
    notes = _on_clock(app, (_describe_failure(app, feed, failed), waiting, source.remark, *gaps))
    return EventPage(
        name, events, positions, cursors.behind_number(feed.last_seq), more=False, since=since, at=at, notes=notes
    )


async def save_position(app: AppContext, request: EventsRequest, page: EventPage, shown: int) -> None:
    """Store the position of the caller after this number of events of a page: the next list begins there.

    Not if events before it may have been missed: a caller who lists today has not been shown yesterday's events.
    """
    store, cursors = app.events, _cursors_of(app, page.at, page.filters)
    reached = cursors.read(page.cursor_after(shown))
    if store is not None and reached.through is None and not page.skips:
        await store.set_bookmark(page.feed, request.bookmark, Bookmark(reached.seq, page.at))


def _leaves_out_events(request: EventsRequest, start: Start | None, last: Bookmark | None) -> bool:
    """Whether events lie between the caller's last position and this list, or the list goes back behind it."""
    if start is not None and start.through is None:
        return last is None or start.seq != last.seq
    since = request.since if start is None else start.at
    return request.is_all or (since is not None and last is not None and since > last.at)


def _cursors_of(app: AppContext, at: datetime, filters: str | None = None) -> EventCursors:
    """The cursors for this caller at a moment, for a list with these filters."""
    return EventCursors(at, app.connection.name, app.principal.subject, *([filters] if filters else []))


async def _poll(app: AppContext, unless_after: datetime, share: float = _SHARE) -> TaskhandError | None:
    """Poll the CRM, unless a poll has begun after that moment; returns the error of a failed poll."""
    try:
        with part_of_call(share):
            await look(app, unless_after=unless_after)
    except TaskhandError as error:
        return error
    return None


def _describe_failure(app: AppContext, feed: Feed, failed: TaskhandError | None) -> str | None:
    if failed is None:
        return None
    known = (
        f"This is as of {moment_text(feed.looked_at.astimezone(app.reference.calendar), None)}."
        if feed.looked_at
        else "Nothing is known yet."
    )
    return f"{failed.message} {known}"


def _on_clock(app: AppContext, notes: Iterable[str | None]) -> tuple[str, ...]:
    """The notes without duplicates; their moments in UTC become the zone of all others."""
    zone = app.reference.calendar
    return tuple(
        dict.fromkeys(
            _IN_UTC.sub(lambda at: moment_text(datetime.fromisoformat(at[0]).astimezone(zone), None), note)
            for note in notes
            if note is not None
        )
    )


async def _find_last(store: EventStore, feed: Feed, request: EventsRequest) -> Bookmark | None:
    """The position of the caller's last list with these filters."""
    marks = [await store.find_bookmark(feed.name, name) for name in {request.caller, request.bookmark}]
    return max((mark for mark in marks if mark is not None), key=lambda mark: mark.seq, default=None)


def _find_start(
    app: AppContext, feed: Feed, request: EventsRequest, last: Bookmark | None, *, tells_past: bool
) -> Start | None:
    """The start of a list without a cursor; None if the caller has never listed before."""
    since = request.since
    if since is None and request.is_all:
        since = min(feed.begun_at, app.clock() - _LATELY) if tells_past else feed.begun_at
    if since is not None:
        return Start(since, since=since)
    return None if last is None else _check_start(feed, Start(last.at, last.seq))


def _check_start(feed: Feed, start: Start) -> Start:
    """The start; by its moment if the feed does not go back to its number, or was restarted since."""
    if start.through is None and (start.seq > feed.last_seq or start.at < feed.begun_at):
        return Start(start.at, since=start.at)
    return start


def _start_now(app: AppContext, feed: Feed, number: int, filters: str | None) -> EventPage:
    """An empty list, and the cursor after the last event."""
    at = max(feed.looked_at or feed.begun_at, feed.begun_at)
    cursors = _cursors_of(app, at, filters)
    return EventPage(feed.name, (), (), cursors.behind_number(number), more=False, since=None, at=at, filters=filters)


async def _find_now(store: EventStore, feed: Feed, before: Feed | None, asked_at: datetime) -> int:
    """The number of the last event from before a call; the next list has the events that happened during the call.

    A feed that began with the call has no earlier events; else moments are by the CRM's clock.
    """
    query = EventQuery(_MAX_MEANWHILE, 0 if before is None else before.last_seq, feed.last_seq)
    events = await store.list_events(feed.name, query)
    meanwhile = (event.seq for event in events if before is None or event.moment >= asked_at - CLOCKS)
    return next(meanwhile, feed.last_seq + 1) - 1


async def _read_page(app: AppContext, store: EventStore, feed: Feed, start: Start, request: EventsRequest) -> EventPage:
    at = max(feed.looked_at or feed.begun_at, feed.begun_at)
    cursors = _cursors_of(app, at, request.filters)
    only = EventFilter(request.kinds, request.task_id, request.person_ids, await find_visible_member(app))
    through = feed.last_seq if start.through is None else start.through
    query = EventQuery(request.limit + 1, start.seq, through, start.since, start.after, only)
    kept_events = await _list(store, feed.name, query)
    events, more = kept_events[: request.limit], len(kept_events) > request.limit
    positions = tuple(cursors.behind(event, start) for event in events)
    end = positions[-1] if more else cursors.behind_number(through)
    return EventPage(
        feed.name, await hide_changes(app, events), positions, end, more, start.at, at, filters=request.filters
    )


async def _list(store: EventStore, name: FeedName, query: EventQuery) -> tuple[KeptEvent, ...]:
    """The events that are visible to the caller: if the caller is limited to own tasks, as such a caller sees them."""
    events, member = await store.list_events(name, query), query.only.visible_to
    if member is None:
        return events
    return tuple(replace(kept_event, event=show_to(kept_event.event, member)) for kept_event in events)
