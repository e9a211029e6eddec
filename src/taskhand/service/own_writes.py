"""The writes of Taskhand's own in the journal, and which of the changes in a feed they explain."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from pydantic import MISSING

from taskhand.domain.due import Due
from taskhand.domain.event import TaskEvent, kind_of_change
from taskhand.domain.receipt import FieldChange, changes, preview
from taskhand.domain.task import Task
from taskhand.journal.journal import Change, ChangeQuery, Intent, Result
from taskhand.service.app_context import AppContext
from taskhand.service.doers import with_doers

__all__ = ["CLOCKS", "OwnWrite", "changes_since", "with_change_ids", "writes_of"]

CLOCKS: Final = timedelta(minutes=1)
"""How far the clock of a CRM may be from that of the journal."""
_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class OwnWrite:
    """The write of one task by a change; `result` is None where it is not known."""

    change: Change
    index: int
    intent: Intent
    result: Result | None
    task_id: str

    @property
    def before(self) -> Task | None:
        """The task before it; None for a new one."""
        return self.intent.before.task if self.intent.before else None

    @property
    def after(self) -> Task | None:
        """The task as it was read after it; None where it was not, or was deleted."""
        return self.result.after if self.result else None

    @property
    def is_known(self) -> bool:
        """Whether the journal knows the task before and after it."""
        is_applied = self.result is not None and self.result.outcome == "applied"
        return is_applied and (self.intent.verb == "delete" or self.after is not None)

    def may_have_made(self, event: TaskEvent, span: tuple[datetime, datetime], now: datetime) -> bool:
        """Whether it explains all that is known of an event, which was between two moments."""
        first, last = span
        ended_at = self.change.ended_at or now
        if self.change.opening.at - CLOCKS > last or first > ended_at + CLOCKS:
            return False
        if self.intent.verb in {"create", "delete"}:
            return event.kind == f"{self.intent.verb}d"
        after = self.after or (preview(self.before, self.intent.edit) if self.intent.edit else None)
        if after is None or self.before is None or event.kind in {"created", "deleted"}:
            return False
        if not event.changed:
            return event.kind in {"updated", kind_of_change(self.before, after)}
        made = {one.field: one for one in changes(self.before, after)}
        return all(one.field in made and _is_same(one, made[one.field]) for one in event.changed)


def _is_same(told: FieldChange, made: FieldChange) -> bool:
    is_after = _plain(told.after) == _plain(made.after)
    return is_after and (told.before is MISSING or _plain(told.before) == _plain(made.before))


def _plain(value: object) -> object:
    """A value without what some CRMs do not tell of it: the zone of a due time, the order of people."""
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


async def with_change_ids(app: AppContext, events: Sequence[TaskEvent], now: datetime) -> tuple[TaskEvent, ...]:
    """The events, each that a write of Taskhand's explains with its change, and with the person who made it."""
    moments = [one for event in events for one in _span(event, now)]
    if not moments:
        return tuple(events)
    writes: dict[str, list[OwnWrite]] = {}
    found: dict[str, Change] = {}
    since = min(moments) - timedelta(seconds=app.call_s) - CLOCKS
    async for change in changes_since(app, since, max(moments) + CLOCKS):
        found[change.id] = change
        for write in writes_of(change):
            writes.setdefault(write.task_id, []).append(write)
    return await with_doers(app, [_with_change(event, writes, now) for event in events], found)


def _with_change(event: TaskEvent, writes: Mapping[str, Sequence[OwnWrite]], now: datetime) -> TaskEvent:
    """The event with the change that explains it and is the nearest in time."""
    if event.change_id is not None:
        return event
    span = _span(event, now)
    own = [one for one in writes.get(event.task_id, ()) if one.may_have_made(event, span, now)]
    found = min(own, key=lambda one: abs(one.change.opening.at - span[1]), default=None)
    return event if found is None else replace(event, change_id=found.change.id)


def _span(event: TaskEvent, now: datetime) -> tuple[datetime, datetime]:
    """Between which moments the change was."""
    at = event.at or now
    return event.between or (at, at)
