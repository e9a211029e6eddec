"""The writes of Taskhand's own in the journal, and which of the changes in a feed they explain."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from pydantic import MISSING

from taskhand.domain.due import Due
from taskhand.domain.event import TASKHAND, TaskEvent, kind_of_change
from taskhand.domain.receipt import FieldChange, changes, preview
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Task
from taskhand.events.event_store import EventFilter, EventQuery, FeedName
from taskhand.journal.journal import Change, ChangeQuery, Intent, Result
from taskhand.service.app_context import AppContext
from taskhand.service.events.change_authors import find_author, with_authors

__all__ = ["CLOCKS", "OwnWrite", "changes_since", "with_change_ids", "writes_of"]

CLOCKS: Final = timedelta(minutes=1)
"""How far the clock of a CRM may be from that of the journal."""
_PAGE: Final = 100
_MAX_KNOWN: Final = 200
"""Maximum events of one task that are searched for those that are explained by a write already."""


@dataclass(frozen=True, slots=True)
class OwnWrite:
    """The write of one task by a change; `result` is None if it is not known."""

    change: Change
    index: int
    intent: Intent
    result: Result | None
    task_id: str

    @property
    def name(self) -> tuple[str, int]:
        """The change, and the place of the write in it."""
        return self.change.id, self.index

    @property
    def before(self) -> Task | None:
        """The task before it; None for a new one."""
        return self.intent.task_before

    @property
    def after(self) -> Task | None:
        """The task as it was read after it; None if it was not read, or was deleted."""
        return self.result.after if self.result else None

    @property
    def is_known(self) -> bool:
        """Whether the journal knows the task before and after it."""
        is_applied = self.result is not None and self.result.outcome == "applied"
        return is_applied and (self.intent.verb == "delete" or self.after is not None)

    def was_during(self, span: tuple[datetime, datetime], now: datetime) -> bool:
        """Whether it may have been between two moments."""
        first, last = span
        return self.change.opening.at - CLOCKS <= last and first <= (self.change.ended_at or now) + CLOCKS

    def made_a_part(self, event: TaskEvent) -> bool:
        """Whether some fields of the task have in an event the values that it gave them."""
        if self.before is None or self.after is None:
            return False
        made = {change.field: _to_comparable(change.after) for change in changes(self.before, self.after)}
        return any(made.get(change.field, MISSING) == _to_comparable(change.after) for change in event.changed)

    def may_have_made(self, event: TaskEvent, span: tuple[datetime, datetime], now: datetime) -> bool:
        """Whether it explains all that is known of an event, which was between two moments."""
        if not self.was_during(span, now):
            return False
        if self.intent.verb in {"create", "delete"}:
            return event.kind == f"{self.intent.verb}d"
        after = self.after or (preview(self.before, self.intent.edit) if self.intent.edit else None)
        if after is None or self.before is None or event.kind in {"created", "deleted"}:
            return False
        if not event.changed:
            return event.kind in {"updated", kind_of_change(self.before, after)}
        made = {change.field: change for change in changes(self.before, after)}
        return all(change.field in made and _is_same(change, made[change.field]) for change in event.changed)


def _is_same(reported: FieldChange, made: FieldChange) -> bool:
    is_after = _to_comparable(reported.after) == _to_comparable(made.after)
    return is_after and (reported.before is MISSING or _to_comparable(reported.before) == _to_comparable(made.before))


def _to_comparable(value: object) -> object:
    """A value without the parts that some CRMs do not report: the zone of a due time, the order of people."""
    if isinstance(value, Due):
        return value.at or value.day
    return frozenset(value) if isinstance(value, tuple) else value


async def changes_since(app: AppContext, since: datetime, until: datetime | None = None) -> AsyncIterator[Change]:
    """The changes that began since then, without plans, the newest first."""
    after: str | None = None
    while True:
        page = await app.journal.page(ChangeQuery(since=since, until=until, limit=_PAGE, after=after, with_plans=False))
        for change in page.changes:
            yield change
        if (after := page.cursor) is None:
            return


def writes_of(change: Change) -> Iterator[OwnWrite]:
    """The writes of a change that were applied, or may have been."""
    for index, intent in enumerate(change.intents):
        result = change.results.get(index)
        task_id = (result.task_id if result else None) or intent.task_id
        if task_id and (result is None or result.outcome in {"applied", "unknown"}):
            yield OwnWrite(change, index, intent, result, task_id)


async def with_change_ids(
    app: AppContext, feed: FeedName, events: Sequence[TaskEvent], now: datetime
) -> tuple[TaskEvent, ...]:
    """The events; an event that a write by Taskhand explains gets its change id and its person.

    A write explains one event, the nearest in time, of the new and the stored events: others may make the same change a
    moment later.
    """
    moments = [moment for event in events for moment in _span_of_event(event, now)]
    if not moments:
        return tuple(events)
    writes: dict[str, list[OwnWrite]] = {}
    changes: dict[str, Change] = {}
    since = min(moments) - timedelta(seconds=app.call_time.limit_s) - CLOCKS
    async for change in changes_since(app, since, max(moments) + CLOCKS):
        changes[change.id] = change
        for write in writes_of(change):
            writes.setdefault(write.task_id, []).append(write)
    known = await _find_known(app, feed, [event for event in events if event.task_id in writes], since - CLOCKS)
    unexplained = {
        at: event
        for at, event in enumerate(events)
        if event.change_id is None and not event.is_others and event.key not in known
    }
    pairs = [
        (_distance_in_time(write, _span_of_event(event, now), now), at, write)
        for at, event in unexplained.items()
        for write in await _find_explaining(app, event, writes.get(event.task_id, ()), now)
    ]
    taken = _find_explained(writes, [*known.values(), *events])
    made = _assign_changes(pairs, taken)
    explained = dict(enumerate(events))
    for at, event in unexplained.items():
        free = (write for write in writes.get(event.task_id, ()) if write.name not in taken)
        explained[at] = replace(event, change_id=made[at]) if at in made else await _with_part(app, event, [*free], now)
    return await with_authors(app, [*explained.values()], changes)


async def _find_explaining(
    app: AppContext, event: TaskEvent, writes: Sequence[OwnWrite], now: datetime
) -> Sequence[OwnWrite]:
    """The writes of a task, newest first, that may explain an event: single ones, or else several as one."""
    span = _span_of_event(event, now)
    for some in (writes, _merged_writes(writes)):
        if made := [
            write for write in some if write.may_have_made(event, span, now) and await _may_be_by(app, event, write)
        ]:
            return made
    return ()


def _merged_writes(writes: Sequence[OwnWrite]) -> Iterator[OwnWrite]:
    """Successive updates of a task by one caller as one write, the last: a CRM may merge them into one change."""
    for number, last in enumerate(writes):
        before, opening = last.before, last.change.opening
        for earlier in writes[number + 1 :]:
            if before is None or earlier.after is None or changes(earlier.after, before):
                break
            if earlier.change.opening.caller != opening.caller or earlier.before is None:
                break
            before, began_at = earlier.before, earlier.change.opening.at
            yield replace(
                last,
                change=replace(last.change, opening=replace(opening, at=began_at)),
                intent=replace(last.intent, before=Snapshot(before)),
            )


async def _with_part(app: AppContext, event: TaskEvent, writes: Sequence[OwnWrite], now: datetime) -> TaskEvent:
    """The event; if its author made a part of it and one of these writes another, with Taskhand beside the author.

    A CRM may merge what a person and Taskhand change with one credential.
    """
    span = _span_of_event(event, now)
    parts = (write for write in writes if write.was_during(span, now) and write.made_a_part(event))
    if event.by is None or not any([await find_author(app, write.change) == event.by for write in parts]):
        return event
    return replace(event, by_name=TASKHAND)


async def _find_known(
    app: AppContext, feed: FeedName, events: Sequence[TaskEvent], since: datetime
) -> dict[str, TaskEvent]:
    """The events of the same tasks that the feed has since then, by key."""
    known: dict[str, TaskEvent] = {}
    if (store := app.events) is not None:
        for task_id in dict.fromkeys(event.task_id for event in events):
            query = EventQuery(_MAX_KNOWN, since=since, only=EventFilter(task_id=task_id), latest=True)
            known |= {kept_event.event.key: kept_event.event for kept_event in await store.list_events(feed, query)}
    return known


def _find_explained(writes: Mapping[str, Sequence[OwnWrite]], events: Iterable[TaskEvent]) -> set[tuple[str, int]]:
    """The writes, each by its change and index, that have an event already."""
    explained: set[tuple[str, int]] = set()
    for event in {event.key: event for event in events if event.change_id is not None}.values():
        same = (write.name for write in writes.get(event.task_id, ()) if write.change.id == event.change_id)
        explained.update([entry for entry in same if entry not in explained][:1])
    return explained


def _assign_changes(
    pairs: Iterable[tuple[tuple[timedelta, timedelta], int, OwnWrite]], explained: set[tuple[str, int]]
) -> dict[int, str]:
    """The change of each explained event, by the index of the event: the nearest pairs come first."""
    made: dict[int, str] = {}
    for _, at, write in sorted(pairs, key=lambda pair: pair[:2]):
        if at not in made and write.name not in explained:
            made[at] = write.change.id
            explained.add(write.name)
    return made


async def _may_be_by(app: AppContext, event: TaskEvent, write: OwnWrite) -> bool:
    """Whether the author of an event can have made it by this write: not if another member did."""
    if event.by is None:
        return True
    return await find_author(app, write.change) in {None, event.by}


def _distance_in_time(write: OwnWrite, span: tuple[datetime, datetime], now: datetime) -> tuple[timedelta, timedelta]:
    """How far a write is from the time of an event: from the whole write, then from its end."""
    began_at, ended_at = write.change.opening.at, write.change.ended_at or now
    apart = max(began_at - span[1], span[0] - ended_at, timedelta())
    return apart, abs(span[1] - ended_at)


def _span_of_event(event: TaskEvent, now: datetime) -> tuple[datetime, datetime]:
    """The moments between which the change was made."""
    at = event.at or now
    return event.between or (at, at)
