"""Compares the tasks that a look has read with the known ones, and collects the changes; pure.

Links to contacts, companies and deals have no history: a change of links is a difference from the known task. So is any
change of a task that is read without histories.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from pydantic import MISSING

from taskhand.backends.hubspot.events.position import Position
from taskhand.backends.hubspot.events.property_histories import EventReader
from taskhand.backends.hubspot.fields.due import moment_at, readable_millis, readable_moment
from taskhand.backends.hubspot.fields.links import LINKS
from taskhand.backends.hubspot.mapping import Record
from taskhand.domain.event import TaskEvent, difference_event
from taskhand.domain.task import Task

__all__ = ["TaskComparison"]


@dataclass
class TaskComparison:
    """The findings of one look: events, and tasks in their present state; `was` holds the known tasks."""

    at: Position
    reader: EventReader
    now: datetime
    was: Mapping[str, Task]
    events: list[TaskEvent] = field(default_factory=list)
    tasks: dict[str, Task | None] = field(default_factory=dict)
    shortened: list[str] = field(default_factory=list)

    def add(self, record: Record) -> None:
        """Add a task that exists: its events since the position, and the changes of its links."""
        now = self.reader.to_task(record)
        self.tasks[now.id], before = now, self.was.get(now.id)
        if (events := self.reader.read_events(record, self._since)) is None:
            self._compare(
                record, before, now, (self._searched, max(self._searched, moment_at(readable_millis(record.updated))))
            )
            return
        self.events += events
        if self.reader.is_shortened(record, self._since):
            self.shortened.append(now.id)
        if before is not None:
            self._compare(record, _with_links_of(now, before), now, (moment_at(self.at.start), self.now))

    def add_deleted(self, record: Record, listed: Record | None) -> None:
        """Add a deleted task, and its changes before the deletion."""
        task = self.reader.to_task(record)
        self.tasks[task.id] = None
        moment = readable_millis(record.deleted) or (readable_millis(listed.deleted) if listed else 0)
        if not moment:
            self._add_difference(record.id, task, None)
        elif moment >= self.at.start:
            self.events += self.reader.read_events(record, self._since) or ()
            self.events += self.reader.read_deletion(record, moment_at(moment))

    def add_vanished(self, task_id: str) -> None:
        """Add a task that is not found at all: it was deleted permanently, or merged into another."""
        if (before := self.was.get(task_id)) is not None:
            self.tasks[task_id] = None
            self._add_difference(task_id, before, None)

    def _compare(self, record: Record, before: Task | None, now: Task, between: tuple[datetime, datetime]) -> None:
        """Add the difference between the known and the present state of a task, or its creation."""
        created = readable_moment(record.created)
        if before is not None:
            self._add_difference(record.id, before, now, between)
        elif created is not None and created >= moment_at(self.at.start):
            event = difference_event(None, now, f"{record.id} created")
            self.events += [replace(event, at=created)] if event is not None else []

    def _add_difference(
        self, record_id: str, before: Task, now: Task | None, between: tuple[datetime, datetime] | None = None
    ) -> None:
        # A repeated look produces the same key; every other look produces another one.
        key = f"{record_id} look {self.at.looks}"
        event = difference_event(before, now, key, between=between or (self._searched, self.now))
        self.events += [event] if event is not None else []

    @property
    def _since(self) -> datetime:
        return moment_at(self.at.since)

    @property
    def _searched(self) -> datetime:
        return moment_at(self.at.search_from)


def _with_links_of(now: Task, before: Task) -> Task:
    """The present task with the links known before, as far as both can be read."""
    links = [link_type.field for link_type in LINKS.values()]
    unread = {*now.unreadable_fields, *before.unreadable_fields}
    known = {name: getattr(before, name) for name in links if name not in unread}
    return now.model_copy(
        update={name: value for name, value in known.items() if MISSING not in (value, getattr(now, name))}
    )
