"""What a write did: the fields that changed, and what was asked for but is not so afterwards."""

from collections.abc import Callable
from dataclasses import dataclass

from taskhand.due import Due
from taskhand.edit import Edit
from taskhand.task import StatusChoice, Task

__all__ = ["FieldChange", "Match", "Receipt", "Unapplied", "changes"]

_SHOWN: dict[str, Callable[[Task], object]] = {
    "title": lambda task: task.title,
    "description": lambda task: task.description,
    "due_at": lambda task: task.due_at,
    "is_all_day": lambda task: task.is_all_day,
    "due_timezone": lambda task: task.due_timezone,
    "ai_contact_id": lambda task: task.ai_contact_id,
    "ai_customer_id": lambda task: task.ai_customer_id,
    "priority": lambda task: task.priority,
    "task_responsibles": lambda task: list(task.responsible_ids),
    "status_config": lambda task: task.status_config.name if task.status_config else None,
}
"""How each documented field of a task is shown in a difference: people by id, the status by name."""

_ASKED_AS = {
    "due": ("dueDate", lambda task: task.due_at),
    "responsible_ids": ("responsibleIds", _SHOWN["task_responsibles"]),
    "status": ("status", _SHOWN["status_config"]),
    "ai_contact_id": ("aiContactId", _SHOWN["ai_contact_id"]),
    "ai_customer_id": ("aiCustomerId", _SHOWN["ai_customer_id"]),
}
"""Fields of an edit whose documented request name differs from the answer's."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of a task before and after, in the contract's terms."""

    field: str
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class Unapplied:
    """A field that was asked to become `asked` and is `got` after the write."""

    field: str
    asked: object
    got: object


@dataclass(frozen=True, slots=True)
class Match:
    """What was given for `argument`, and the one thing it was taken to mean."""

    argument: str
    given: str
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to a write; nothing was sent when `changed` and `unapplied` are both empty, and `note` says so."""

    task: Task
    changed: tuple[FieldChange, ...] = ()
    unapplied: tuple[Unapplied, ...] = ()
    matched: tuple[Match, ...] = ()
    note: str | None = None

    @classmethod
    def of(
        cls, before: Task | None, after: Task, edit: Edit, matched: tuple[Match, ...], note: str | None = None
    ) -> "Receipt":
        """What `edit` did to a task: `before` is None when it was created."""
        missed = tuple(_unapplied(name, asked, after) for name, asked in edit.unmet_by(after, written=True).given())
        note = "Some of what was asked is not so: see unapplied." if missed else note
        return cls(after, changes(before, after), missed, matched, note)


def changes(before: Task | None, after: Task) -> tuple[FieldChange, ...]:
    """The documented fields that differ; a created task differs wherever it is not empty."""
    pairs = ((name, shown(before) if before else None, shown(after)) for name, shown in _SHOWN.items())
    return tuple(
        FieldChange(name, was, now) for name, was, now in pairs if was != now and (before or not _is_empty(now))
    )


def _is_empty(value: object) -> bool:
    """Whether a new task has this without anybody asking; a priority of 0 is asked for."""
    return value is None or value is False or value == []


def _unapplied(name: str, asked: object, after: Task) -> Unapplied:
    field, got = _ASKED_AS.get(name, (name, _SHOWN.get(name)))
    return Unapplied(field, _plain(asked), got(after) if got else None)


def _plain(asked: object) -> object:
    match asked:
        case Due():
            return str(asked)
        case StatusChoice():
            return asked.name if asked.name is not None else asked.position
        case tuple():
            return list(asked)
        case _:
            return asked
