"""The effect of a write on a task: the fields that changed, those that were not applied, and the inverse edit; pure."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from pydantic import MISSING

from taskhand.domain.due import Due, due_of
from taskhand.domain.edit import Edit, is_readable
from taskhand.domain.names import Match
from taskhand.domain.task import Responsible, Status, StatusChoice, Task

__all__ = ["EDIT_FIELDS", "FieldChange", "Receipt", "Unapplied", "changes", "inverse_edit", "preview", "unapplied"]

_SHOWN: dict[str, Callable[[Task], object]] = {
    "title": lambda task: task.title,
    "description": lambda task: task.description,
    "due_at": lambda task: task.due_at,
    "is_all_day": lambda task: task.is_all_day,
    "due_timezone": lambda task: task.due_timezone,
    "ai_contact_id": lambda task: task.ai_contact_id,
    "ai_customer_id": lambda task: task.ai_customer_id,
    "priority": lambda task: task.priority,
    "task_responsibles": lambda task: None if task.task_responsibles is None else list(task.responsible_ids),
    "status_config": lambda task: task.status_config.name if task.status_config else None,
}
"""The value of each documented field in a difference: people by id, the status by name."""

_ASKED_AS = {
    "due": ("dueDate", lambda task: task.due_at),
    "responsible_ids": ("responsibleIds", _SHOWN["task_responsibles"]),
    "status": ("status", _SHOWN["status_config"]),
    "ai_contact_id": ("aiContactId", _SHOWN["ai_contact_id"]),
    "ai_customer_id": ("aiCustomerId", _SHOWN["ai_customer_id"]),
}
"""Fields of an edit whose documented name in a request differs from the one in an answer."""

EDIT_FIELDS = {
    "due_at": "due",
    "is_all_day": "due",
    "due_timezone": "due",
    "task_responsibles": "responsible_ids",
    "status_config": "status",
}
"""The field of an edit that sets a documented field of a task, where the two differ in name."""

_NEW = Task(
    id="",
    title="",
    description=None,
    due_timezone=None,
    due_at=None,
    is_all_day=False,
    created_at="",
    ai_contact_id=None,
    ai_customer_id=None,
    task_status_config_id=None,
    priority=0,
    creator_id=None,
    task_responsibles=(),
    status_config=None,
)
"""An empty task: what a new task is compared with."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """The value of one documented field before and after."""

    field: str
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class Unapplied:
    """A field that a write should have set to `asked`, and that has the value `got` afterwards.

    `was` is the value that an undo expected there, MISSING for other writes.
    """

    field: str
    asked: object
    got: object
    was: object = MISSING


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to a write. Where `changed` and `unapplied` are both empty nothing was sent, and `note` says so.

    `task` is None where it was deleted. `replayed` is whether this is the answer to an earlier, identical call.
    """

    task: Task | None
    changed: tuple[FieldChange, ...] = ()
    unapplied: tuple[Unapplied, ...] = ()
    matched: tuple[Match, ...] = ()
    note: str | None = None
    change_id: str | None = None
    replayed: bool = False

    @classmethod
    def of(
        cls, before: Task | None, after: Task, edit: Edit, matched: tuple[Match, ...], note: str | None = None
    ) -> "Receipt":
        """The effect of `edit` on a task; `before` is None for a new task.

        A field that cannot be read afterwards is noted, as nobody can tell whether it was applied.
        """
        unmet = edit.unmet_by(after, written=True).given()
        if not unmet:
            return cls(after, changes(before, after), (), matched, note or None)
        missed = tuple(unapplied(name, asked, after) for name, asked in unmet if is_readable(after, name))
        unread = ", ".join(unapplied(name, asked, after).field for name, asked in unmet if not is_readable(after, name))
        note = "Some of the requested values were not applied: see unapplied." if missed else note
        note = " ".join(filter(None, (note, unread and f"Whether it was applied cannot be read back: {unread}.")))
        return cls(after, changes(before, after), missed, matched, note or None)

    @property
    def is_refused(self) -> bool:
        """Whether the CRM accepted the write and certainly left the task as it was."""
        is_readable_task = self.task is not None and self.task.unreadable is MISSING
        return bool(self.unapplied) and not self.changed and is_readable_task


def changes(before: Task | None, after: Task) -> tuple[FieldChange, ...]:
    """The documented fields that differ; those of a new task that are not empty."""
    pairs = ((name, shown(before) if before else None, shown(after)) for name, shown in _SHOWN.items())
    return tuple(
        FieldChange(name, was, now) for name, was, now in pairs if was != now and (before or not _is_empty(now))
    )


def preview(before: Task | None, edit: Edit) -> Task:
    """The task as it is after `edit` is applied completely; `before` is None for a new task."""
    given = dict(edit.given())
    values: dict[str, Any] = {name: given[name] for name in given if name in Task.model_fields}
    if "due" in given:
        due: Due | None = given["due"]  # type: ignore[assignment]  # what an edit holds there
        values |= {
            "due_at": due.due_at if due else None,
            "is_all_day": due is not None and due.at is None,
            "due_timezone": due.zone if due else None,
        }
    if isinstance(edit.responsible_ids, tuple):
        values["task_responsibles"] = tuple(Responsible(responsible_id=one) for one in edit.responsible_ids)
    if isinstance(edit.status, StatusChoice):
        values["status_config"] = _status(edit.status)
        values["task_status_config_id"] = edit.status.id
    return (before or _NEW).model_copy(update=values)


def inverse_edit(before: Task, after: Task, *, unknown: Collection[str] = ()) -> Edit:
    """The edit that restores `before` from `after`, except for the `unknown` fields of an edit."""
    names = {EDIT_FIELDS.get(change.field, change.field) for change in changes(before, after)} - set(unknown)
    names = {name for name in names if is_readable(before, name)}
    return Edit(**{name: _value(before, name) for name in names})


def _value(task: Task, name: str) -> Any:
    """The value for the field `name` of an edit that makes a task equal to this one."""
    match name:
        case "due":
            return due_of(task)
        case "status":
            return StatusChoice.of(task.status_config) if task.status_config else MISSING
        case _:
            return getattr(task, name)


def _status(choice: StatusChoice) -> Status:
    name = choice.name if choice.name is not None else f"position {choice.position}"
    return Status(id=choice.id, name=name, color=None, type="unknown", order=choice.position or 0)


def _is_empty(value: object) -> bool:
    """Whether a new task has this value by default; a priority of 0 has been asked for."""
    return value is None or value is False or value == []


def unapplied(name: str, asked: object, now: Task, was: Task | None = None) -> Unapplied:
    """The row for the field `name` of an edit; `was` is the task as an undo expected it."""
    field, shown = _ASKED_AS.get(name, (name, _SHOWN.get(name)))
    expected = MISSING if was is None or shown is None else shown(was)
    return Unapplied(field, _to_json(asked), shown(now) if shown else None, expected)


def _to_json(asked: object) -> object:
    match asked:
        case Due():
            return str(asked)
        case StatusChoice():
            return asked.name if asked.name is not None else asked.position
        case tuple():
            return list(asked)
        case _:
            return asked
