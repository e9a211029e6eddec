"""The effect of a write on a task: the fields that changed, those that were not applied, and the inverse edit; pure.

A difference has the fields of a row: the due date as a Due, the responsibles by id, the status by name.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import MISSING

from taskhand.domain.due import due_fields, due_of
from taskhand.domain.edit import (
    DIFFERENCE_FIELDS,
    DIFFERENCE_VALUES,
    EDIT_FIELDS,
    Edit,
    current_value,
    edit_of,
    is_readable,
    known_properties,
    shows,
    value_of,
)
from taskhand.domain.name_matching import Match
from taskhand.domain.properties import property_field
from taskhand.domain.task import Responsible, Status, StatusChoice, Task
from taskhand.domain.task_query import LINK_FIELDS
from taskhand.domain.unapplied_fields import Unapplied, unapplied_field

__all__ = [
    "FieldChange",
    "Receipt",
    "changes",
    "inverse_edit",
    "join_notes",
    "links_in",
    "people_in_difference",
    "people_unapplied",
    "preview",
]


@dataclass(frozen=True, slots=True)
class FieldChange:
    """The value of one field before and after: a Due, ids of people as a tuple, or a value of the task."""

    field: str
    before: object
    after: object

    @property
    def edit_field(self) -> str:
        """The field of an edit that sets it."""
        return EDIT_FIELDS.get(self.field, self.field)


def people_in_difference(changed: Iterable[FieldChange]) -> frozenset[str]:
    """The ids of all people in a difference."""
    values = [value for change in changed if change.field == "responsibles" for value in (change.before, change.after)]
    return frozenset(person for value in values if isinstance(value, tuple) for person in value)


def links_in(changed: Iterable[FieldChange]) -> frozenset[tuple[str, str]]:
    """The links in a difference, each as its field and id."""
    values = [
        (change.field, value)
        for change in changed
        if change.field in LINK_FIELDS
        for value in (change.before, change.after)
    ]
    return frozenset((field, value) for field, value in values if isinstance(value, str))


def people_unapplied(missed: Iterable[Unapplied]) -> Iterator[FieldChange]:
    """The differences of people that were not applied."""
    for miss in missed:
        yield FieldChange("responsibles", miss.asked, miss.got)
        yield FieldChange("responsibles", None, miss.was)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to a write. If an update sent nothing, `changed` and `unapplied` are empty, and `note` says so.

    `task` is None if it was deleted; `before` is the task before the write, None if the write created it. `already` are
    the requested fields that had the requested value before. `replayed` is whether this is the answer to an earlier,
    identical call.
    """

    task: Task | None
    changed: tuple[FieldChange, ...] = ()
    unapplied: tuple[Unapplied, ...] = ()
    matched: tuple[Match, ...] = ()
    note: str | None = None
    change_id: str | None = None
    replayed: bool = False
    before: Task | None = None
    already: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        before: Task | None,
        after: Task,
        edit: Edit,
        matched: tuple[Match, ...],
        note: str | None = None,
        *,
        change_id: str | None = None,
    ) -> "Receipt":
        """The effect of `edit` on a task; `before` is None for a new task.

        A field that cannot be read afterwards is named in the note, because it is unknown whether it was applied.
        """
        unmet = edit.unmet_fields(after, written=True)
        already = _met_before(before, edit, {name for name, _ in unmet})
        changed = changes(before, after)
        if not unmet:
            return cls(after, changed, (), matched, note or None, change_id, before=before, already=already)
        missed = tuple(unapplied_field(name, asked, after) for name, asked in unmet if is_readable(after, name))
        unread = ", ".join(
            unapplied_field(name, asked, after).field for name, asked in unmet if not is_readable(after, name)
        )
        message = "Some of the requested values were not applied: see unapplied." if missed else None
        note = " ".join(
            filter(None, (message, note, unread and f"Whether it was applied cannot be read back: {unread}."))
        )
        return cls(after, changed, missed, matched, note or None, change_id, before=before, already=already)

    @property
    def people(self) -> frozenset[str]:
        """The ids of all people in the receipt."""
        missed = people_unapplied(self.unapplied)
        return people_in_difference((*self.changed, *missed)).union(self.task.responsible_ids if self.task else ())

    @property
    def links(self) -> frozenset[tuple[str, str]]:
        """The links in the differences that answers show; the fields of a new task are not shown."""
        return links_in(self.changed) if self.before is not None and self.task is not None else frozenset()

    @property
    def is_refused(self) -> bool:
        """Whether the CRM accepted the write and certainly left the task as it was."""
        is_readable_task = self.task is not None and self.task.unreadable is MISSING
        return bool(self.unapplied) and not self.changed and is_readable_task


def changes(before: Task | None, after: Task) -> tuple[FieldChange, ...]:
    """The fields that differ; for a new task, the fields that are not empty."""
    pairs = [
        (name, was, now)
        for name, shown in DIFFERENCE_VALUES.items()
        if (was := shown(before) if before else None) != (now := shown(after))
    ]
    pairs += _property_pairs(before, after)
    # A task that an earlier version kept in the journal may lack the type.
    lacks_type = before is not None and MISSING in (before.task_type, after.task_type)
    return tuple(
        FieldChange(name, *(_priorities(before, after) if before and name == "priority" else (was, now)))
        for name, was, now in pairs
        if (before or not _is_empty(now)) and not (lacks_type and name == "task_type")
    )


def _priorities(before: Task, after: Task) -> tuple[object, object]:
    """The two priorities as rows show them; as they are if rows show both alike, because one of them is none."""
    was, now = before.shown_priority, after.shown_priority
    return (was, now) if was != now else (before.priority, after.priority)


def _property_pairs(before: Task | None, after: Task) -> list[tuple[str, object, object]]:
    """The properties that are known of both tasks and differ, with both values; a new task had none."""
    was, now = known_properties(before) if before else {}, known_properties(after)
    return [
        (property_field(name), was.get(name), now[name])
        for name in sorted(now)
        if was.get(name) != now[name] and (before is None or name in was)
    ]


def preview(before: Task | None, edit: Edit) -> Task:
    """The task as it is after `edit` is applied completely; `before` is None for a new task."""
    given = dict(edit.given_fields())
    values: dict[str, Any] = {name: given[name] for name in given if name in Task.model_fields}
    if "due" in given:
        values |= due_fields(given["due"])  # type: ignore[arg-type]  # what an edit holds there
    if isinstance(edit.responsible_ids, tuple):
        values["task_responsibles"] = tuple(Responsible(responsible_id=person_id) for person_id in edit.responsible_ids)
    if isinstance(edit.status, StatusChoice):
        values["status_config"] = _status(edit.status)
        values["task_status_config_id"] = edit.status.id
    if edit.properties is not MISSING:
        values["properties"] = {**(known_properties(before) if before else {}), **dict(edit.properties)}
    return (before or _empty_task()).model_copy(update=values)


@cache
def _empty_task() -> Task:
    """The task with which a new one is compared."""
    return Task(
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


def inverse_edit(before: Task, after: Task, *, unknown: Collection[str] = ()) -> Edit:
    """The edit that restores `before` from `after`, except for the `unknown` fields of an edit."""
    names = {change.edit_field for change in changes(before, after)} - set(unknown)
    names = {name for name in names if is_readable(before, name)}
    return edit_of((name, _value(before, name)) for name in names)


def _value(task: Task, name: str) -> Any:
    """The value for the field `name` of an edit that makes a task equal to this one."""
    match name:
        case "due":
            return due_of(task)
        case "status":
            return StatusChoice.of(task.status_config) if task.status_config else MISSING
        case "note" | "resolution":
            return value_of(task, name)
        case _:
            return current_value(task, name)


def _status(choice: StatusChoice) -> Status:
    name = choice.name if choice.name is not None else f"position {choice.position}"
    return Status(id=choice.id, name=name, color=None, type="unknown", order=choice.position or 0)


def _is_empty(value: object) -> bool:
    """Whether a new task has this value by default; a priority of 0 has been asked for."""
    return value is None or value == ()


def _met_before(before: Task | None, edit: Edit, unmet: Collection[str]) -> tuple[str, ...]:
    """The requested fields that had the requested value both before and after the write."""
    if before is None:
        return ()
    return tuple(
        DIFFERENCE_FIELDS.get(name, name)
        for name, value in edit.given_fields()
        if name not in unmet and shows(before, name, value)
    )


def join_notes(*notes: str | None) -> str | None:
    """These notes as one; None if there is none."""
    return " ".join(filter(None, notes)) or None
