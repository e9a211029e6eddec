"""A change of a task in the CRM by any author, as the feed stores it; pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, get_args

from taskhand.domain.receipt import FieldChange, changes
from taskhand.domain.task import Task

__all__ = ["EVENT_KINDS", "TASKHAND", "EventKind", "TaskEvent", "difference_event", "kind_of_change"]

EventKind = Literal["created", "updated", "completed", "reopened", "reassigned", "deleted"]

EVENT_KINDS: tuple[EventKind, ...] = get_args(EventKind)
"""The kinds, in the order of a task's life."""

TASKHAND: Final = "Taskhand"
"""The name of an author who is not shown, or who made only a part of an event."""


@dataclass(frozen=True, slots=True)
class TaskEvent:
    """One change of one task. An unknown value is None, empty or MISSING; it is never guessed.

    `key` identifies the change, in whatever way and however often it is found: a feed stores one event for each key.
    `at` is the CRM's own moment of the change, aware; if only the difference of two polls is known it is None, and
    `between` are the moments of the polls. `changed` are its fields, `before` MISSING if only the new value is known.
    `by` is the id of the member who did it, `by_name` the name of an author who is no member; both if both did it.
    `change_id` is Taskhand's own change, `is_others` whether it is certainly none. `responsible_ids` are all who were
    responsible for the task before it or after it, None if unknown.
    """

    key: str
    task_id: str
    kind: EventKind
    at: datetime | None = None
    between: tuple[datetime, datetime] | None = None
    title: str | None = None
    changed: tuple[FieldChange, ...] = ()
    by: str | None = None
    by_name: str | None = None
    change_id: str | None = None
    responsible_ids: tuple[str, ...] | None = None
    is_others: bool = False

    @property
    def moment(self) -> datetime | None:
        """The moment that it is sorted by: its own, else the later of the two polls."""
        return self.at or (self.between[1] if self.between else None)


def kind_of_change(before: Task | None, after: Task | None) -> EventKind:
    """The kind of the change from one state of a task to another; the most specific one if several apply."""
    if before is None:
        return "created"
    if after is None:
        return "deleted"
    if before.is_finished != after.is_finished:
        return "completed" if after.is_finished else "reopened"
    is_known = before.task_responsibles is not None and after.task_responsibles is not None
    return "reassigned" if is_known and set(before.responsible_ids) != set(after.responsible_ids) else "updated"


def difference_event(
    before: Task | None, after: Task | None, key: str, *, between: tuple[datetime, datetime] | None = None
) -> TaskEvent | None:
    """The event of a difference between two states of a task, one of them None; None if nothing differs.

    A new task has the fields that are not empty, beside its title.
    """
    known = [task for task in (before, after) if task is not None]
    changed = tuple(change for change in changes(before, after) if before or change.field != "title") if after else ()
    if not known or (before is not None and after is not None and not changed):
        return None
    people = dict.fromkeys(person for task in known for person in task.responsible_ids)
    return TaskEvent(
        key,
        known[-1].id,
        kind_of_change(before, after),
        between=between,
        title=known[-1].title,
        changed=changed,
        responsible_ids=tuple(people),
    )
