"""Compares the listed tasks of Vambe with the known ones: which differences are changes, which tasks are missing."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from pydantic import MISSING

from taskhand.backends.remote.parsing import JsonObject, utc_moment
from taskhand.backends.vambe.events.position import Position
from taskhand.backends.vambe.fields.learned_due_times import TaskMapper
from taskhand.backends.vambe.task_lists import folded_id
from taskhand.domain.due import due_of
from taskhand.domain.event import TaskEvent, difference_event
from taskhand.domain.receipt import FieldChange
from taskhand.domain.task import Task

__all__ = ["SKEW", "ListComparison", "tasks_by_key"]

SKEW: Final = timedelta(minutes=5)
"""How far the clock of Vambe's creation times may be behind ours."""
_PATIENCE: Final = timedelta(minutes=10)
"""Time after which a task that was not found is searched for again."""


class ListComparison:
    """Compares listed tasks with known tasks; a difference counts once two lists have shown it."""

    def __init__(self, mapper: TaskMapper, was: Position, now: Position, before: Mapping[str, Task]) -> None:
        self._mapper = mapper
        self._was = was
        self._now = now
        self._before = before
        self._after: dict[str, Task] = {}
        self._other: dict[str, Task] = {}
        self._near: set[str] = set()
        self.differing: set[str] = set()

    @property
    def listed(self) -> set[str]:
        """The keys of the tasks in either list."""
        return {*self._after, *self._other}

    def add(self, rows: Collection[JsonObject]) -> None:
        """Compare the rows of the first list."""
        self._after = tasks_by_key(self._mapper, rows)
        self._near = set(self._after)
        self.differing = {task_key for task_key, task in self._after.items() if self._event(task_key, task) is not None}

    def confirm(self, rows: Collection[JsonObject]) -> None:
        """Compare the rows of the second list; tasks that the two lists show differently wait for the next look."""
        self._other = tasks_by_key(self._mapper, rows)
        both = {task_key for task_key in self.differing if self._other.get(task_key) == self._after[task_key]}
        same = {key: task for key, task in self._after.items() if key in both or self._is_known(key, task)}
        moved = {key: task for key, task in self._other.items() if key in self._before and key not in self._after}
        self.differing, self._after = both | moved.keys(), same | moved

    def missing(self, hints: Collection[str]) -> set[str]:
        """The keys of unlisted tasks that should be listed, or are hinted."""
        oldest = (self._now.looked_at - _PATIENCE).isoformat()
        expected = {task_key for task_key, task in self._before.items() if self._is_expected(task)}
        expected -= {task_key for task_key, at in self._was.unfound.items() if at > oldest}
        return (expected | {hint.lower() for hint in hints}) - self.listed

    def result(self, gone: Collection[str], ended: datetime) -> tuple[list[TaskEvent], dict[str, Task | None]]:
        """The events, and the changes to the known tasks; a task that left the list becomes unknown (None)."""
        between = (self._was.looked_at, ended)
        events = []
        tasks: dict[str, Task | None] = {}
        for task_key, task in self._after.items():
            before = self._before.get(task_key)
            event = self._event(task_key, task)
            events += [replace(event, between=between)] if event else []
            tasks[before.id if before else task.id] = _with_last_known(task, before) if task_key in self._near else None
        for task_key, task in self._before.items():
            if task_key not in self._near and not self._is_expected(task):
                tasks[task.id] = None
        for task_key in sorted(gone):
            event = difference_event(self._before[task_key], None, self._key(task_key))
            events += [replace(event, between=between)] if event else []
            tasks[self._before[task_key].id] = None
        return events, {
            task_id: task for task_id, task in tasks.items() if task != self._before.get(task_id.lower(), ...)
        }

    def _is_known(self, task_key: str, task: Task) -> bool:
        return task_key in self._before and self._event(task_key, task) is None

    def _is_expected(self, task: Task) -> bool:
        """Whether the list around today should contain a task."""
        due = due_of(task) if "due_at" not in task.unreadable_fields else None
        first, last = self._now.window()
        return due is None or first <= due.day <= last

    def _event(self, task_key: str, task: Task) -> TaskEvent | None:
        """The event of a task; None if it is unchanged, or only entered the window as time passed."""
        before = self._before.get(task_key)
        if before is None:
            return self._event_of_new_task(task_key, task)
        event = difference_event(_with_no_changes(before, task), _with_last_known(task, before), self._key(task_key))
        if event is None or self._was.due_at == self._mapper.due_at or due_of(before) is None:
            return event
        # The form of due times was learned since, so the known due time was read wrongly.
        changed = tuple(change for change in event.changed if change.field != "due")
        return replace(event, changed=changed) if changed else None

    def _event_of_new_task(self, task_key: str, task: Task) -> TaskEvent | None:
        event, made, due = difference_event(None, task, self._key(task_key)), utc_moment(task.created_at), due_of(task)
        if made is None or made >= self._was.looked_at - SKEW:
            return event
        first, last = self._was.window()
        if event is None or (due is not None and not first <= due.day <= last):
            return None
        return replace(event, kind="updated", changed=(FieldChange("due", MISSING, due),))

    def _key(self, task_key: str) -> str:
        return f"{task_key}/{self._now.number}/{self._was.begun}"


def _with_no_changes(before: Task, after: Task) -> Task:
    """The task before, updated with differences that are not changes: unreadable fields, and a renamed status."""
    update = {name: getattr(after, name) for name in (*before.unreadable_fields, *after.unreadable_fields)}
    is_same = before.task_status_config_id is not None and before.task_status_config_id == after.task_status_config_id
    if is_same or before.status_config is None or after.status_config is None:
        update |= {"status_config": after.status_config, "task_status_config_id": after.task_status_config_id}
    return before.model_copy(update=update) if update else before


def _with_last_known(task: Task, before: Task | None) -> Task:
    """The task with the known values of fields that are unreadable now."""
    if before is None or not task.unreadable_fields:
        return task
    return task.model_copy(update={name: getattr(before, name) for name in task.unreadable_fields if name != "id"})


def tasks_by_key(mapper: TaskMapper, rows: Collection[JsonObject]) -> dict[str, Task]:
    """The tasks in rows by key, read with what all rows show; rows without an id are left out."""
    mapper.note(rows)
    return {key: mapper.task(row) for row in rows if (key := folded_id(row))}
