"""Mapping of rows of Close's event log to events of the contract; pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from pydantic import MISSING

from taskhand.backends.close.events.event_log import LogEntry
from taskhand.backends.close.mapping import DONE, OPEN, task_of
from taskhand.backends.remote.parsing import JsonObject, id_of, read_task, utc_moment
from taskhand.domain.edit import is_readable
from taskhand.domain.event import EventKind, TaskEvent, difference_event
from taskhand.domain.receipt import FieldChange
from taskhand.domain.task import Task

__all__ = ["TaskStates", "is_explained"]

_TOGETHER: Final = timedelta(seconds=2)
"""Maximum time between the rows of one change."""

_CONTRACT_FIELDS: Final = frozenset(
    ("text", "date", "due_date", "is_dateless", "is_complete", "assigned_to", "priority", "lead_id", "contact_id")
) | {"resolution"}
"""Close's fields that the contract has too."""


def is_explained(completion: LogEntry, entries: Iterable[LogEntry], reported: Collection[str]) -> bool:
    """Whether another row reports the same completion: an update, or the creation of a completed task.

    A row whose id is in `reported` may also hold a completion and a reopening soon after it.
    """
    return any(
        _is_within(completion, other) and (_finishes(other) or (other.id in reported and _spans(completion, other)))
        for other in entries
    )


class TaskStates:
    """Converts entries to events, one after another.

    `known_tasks` are the tasks after their last events, and `finished` the completion rows that became own events.
    `completions` are the completion rows of the stretch. `hidden` counts the rows whose values Close does not show.
    `zone` is the IANA zone of shown times.
    """

    def __init__(self, known_tasks: Mapping[str, Task], zone: str | None, completions: Sequence[LogEntry]) -> None:
        self.known: dict[str, Task | None] = dict(known_tasks)
        self.finished: list[LogEntry] = []
        self.hidden = 0
        self._zone = zone
        self._completions = completions

    def event(self, entry: LogEntry, *, has_grown: bool, is_newest: bool) -> TaskEvent | None:
        """The event of an entry; None if the contract has none of the changed fields.

        `has_grown` is whether a part of the entry was reported before; `is_newest` whether it is the last of its task.
        """
        before, after = self._sides(entry, has_grown=has_grown)
        event: TaskEvent | None
        if entry.action == "completed":
            change, title = FieldChange("status", OPEN.name, DONE.name), after.title if after else None
            event = TaskEvent(_key(entry), entry.task_id, "completed", title=title, changed=(change,))
            after = _with_finished_status(self.known.get(entry.task_id))  # other changes are reported by the update row
            self.finished.append(entry)
        elif after is None and entry.action != "deleted":
            event = self._hidden_event(entry)
        elif entry.action == "deleted":
            event = TaskEvent(_key(entry), entry.task_id, "deleted", title=before.title if before else None)
        else:
            event = difference_event(before, after, _key(entry))
        if is_newest and (after is not None or entry.action == "deleted"):
            self.known[entry.task_id] = after
        if event is None:
            return None
        people = dict.fromkeys(person_id for task in (before, after) if task for person_id in task.responsible_ids)
        return replace(
            event,
            at=entry.changed,
            by=entry.user_id,
            responsible_ids=tuple(people) if before or after else None,
            changed=_readable(event.changed, before, after),
        )

    def follows(self, entry: LogEntry, *, has_grown: bool, made_after: datetime) -> bool:
        """Whether an entry begins with the state after the last reported entry of its task, as far as is visible.

        A task that is not known follows if it was made at `made_after` or earlier.
        """
        if entry.action == "created":
            return True
        if entry.task_id not in self.known:
            made = utc_moment((entry.data or entry.previous or {}).get("date_created"))
            return made is None or made <= made_after
        if (known_task := self.known[entry.task_id]) is None:
            return True
        before, after = self._sides(entry, has_grown=has_grown)
        if entry.action == "completed":
            known_task, before = _with_finished_status(known_task), after
        return before is None or difference_event(known_task, before, "") is None

    def is_finished(self, task_id: str) -> bool:
        """Whether the task is complete after its last reported event."""
        task = self.known.get(task_id)
        return task is not None and task.is_finished

    def _sides(self, entry: LogEntry, *, has_grown: bool) -> tuple[Task | None, Task | None]:
        """The task before and after an entry; None for a state that does not exist or is not visible."""
        known_task = self.known.get(entry.task_id)
        if entry.action == "deleted":
            return (self._task(entry, entry.previous) if entry.previous else known_task), None
        after = self._task(entry, entry.data) if entry.data else None
        if entry.data is None or (entry.action == "created" and not has_grown):
            return None, after
        if has_grown and known_task is not None:
            return known_task, after
        before = self._task(entry, {**entry.data, **(entry.previous or {})})
        if "is_complete" in (entry.previous or {}) and any(
            _is_within(completion, entry) for completion in self.finished
        ):
            return _with_finished_status(before), after
        return before, after

    def _task(self, entry: LogEntry, row: JsonObject) -> Task:
        task = read_task(id_of(row) or entry.task_id, lambda: task_of(row, self._zone))
        return task if task.id else task.model_copy(update={"id": entry.task_id})

    def _hidden_event(self, entry: LogEntry) -> TaskEvent | None:
        """The event of a row whose values Close no longer shows; None if the contract has none of its fields."""
        if entry.changed_fields and not entry.changed_fields & _CONTRACT_FIELDS:
            return None
        self.hidden += 1
        kind: EventKind = "created" if entry.action == "created" else "updated"
        if "is_complete" in entry.changed_fields:
            kind = "completed" if any(_is_within(completion, entry) for completion in self._completions) else "reopened"
        elif "assigned_to" in entry.changed_fields:
            kind = "reassigned"
        return TaskEvent(_key(entry), entry.task_id, kind)


def _with_finished_status(task: Task | None) -> Task | None:
    return task and task.model_copy(update={"status_config": DONE, "task_status_config_id": DONE.id})


def _key(entry: LogEntry) -> str:
    """The key of an event; each growth of an update is a new event."""
    return f"{entry.id}@{entry.changed.isoformat(timespec='milliseconds')}"


def _is_within(completion: LogEntry, update: LogEntry) -> bool:
    return (
        completion.task_id == update.task_id
        and update.made - _TOGETHER <= completion.changed <= update.changed + _TOGETHER
    )


def _spans(completion: LogEntry, update: LogEntry) -> bool:
    """Whether a completion is one of the changes that an update row combines."""
    is_of_status = update.action == "updated" and "is_complete" in (update.previous or {})
    return is_of_status and update.made <= completion.changed <= update.changed


def _finishes(entry: LogEntry) -> bool:
    """Whether a created or updated row shows that its task became complete."""
    if entry.action not in {"created", "updated"}:
        return False
    if entry.data is None:
        return entry.action == "updated" and "is_complete" in entry.changed_fields
    was_open = entry.action == "created" or (entry.previous or {}).get("is_complete") is False
    return entry.data.get("is_complete") is True and was_open


def _readable(changed: Iterable[FieldChange], before: Task | None, after: Task | None) -> tuple[FieldChange, ...]:
    """The changes whose new value is readable; an unreadable old value is left out."""
    readable = []
    for change in changed:
        if after is None or is_readable(after, change.edit_field):
            is_old_known = before is None or is_readable(before, change.edit_field)
            readable.append(change if is_old_known else replace(change, before=MISSING))
    return tuple(readable)
