"""The edit that a write makes: names are resolved to ids, the due fields to a due date. Backends take this; pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from itertools import compress, repeat
from operator import attrgetter, is_not
from typing import Any

from pydantic import MISSING

from taskhand.domain.due import Due, due_of
from taskhand.domain.properties import PropertyValues, property_field, property_name, property_names
from taskhand.domain.task import StatusChoice, Task, or_none

__all__ = [
    "DIFFERENCE_FIELDS",
    "DIFFERENCE_VALUES",
    "EDIT_FIELDS",
    "FIELDS",
    "SHOWN_AS",
    "Edit",
    "after_creation",
    "current_value",
    "edit_of",
    "is_readable",
    "is_untouched",
    "known_properties",
    "only_on_creation",
    "properties_in",
    "shows",
    "unreadable_fields",
    "value_of",
    "without",
]

SHOWN_AS = {"due": "due_at", "responsible_ids": "task_responsibles", "status": "status_config"}
"""The documented field of a task that shows a field of an edit, if the two differ in name."""


EDIT_FIELDS = {"responsibles": "responsible_ids"}
"""The field of an edit that sets a field of a difference, if the two differ in name."""

DIFFERENCE_FIELDS = {field: name for name, field in EDIT_FIELDS.items()}
"""The field of a difference that a field of an edit sets, if the two differ in name."""

DIFFERENCE_VALUES: dict[str, Callable[[Task], object]] = {
    "title": attrgetter("title"),
    "description": attrgetter("description"),
    "due": due_of,
    "ai_contact_id": attrgetter("ai_contact_id"),
    "ai_customer_id": attrgetter("ai_customer_id"),
    "priority": attrgetter("priority"),
    "responsibles": lambda task: None if task.task_responsibles is None else task.responsible_ids,
    "status": lambda task: task.status_config.name if task.status_config else None,
    "task_type": lambda task: or_none(task.task_type),
    "deal_id": lambda task: or_none(task.deal_id),
    "resolution": lambda task: or_none(task.resolution),
    "note": lambda task: or_none(task.note),
}
"""The value of each field of a difference: the due date as a Due, the responsibles by id, the status by name."""


@dataclass(frozen=True, slots=True)
class Edit:
    """The fields of a task that a write sets; `MISSING` leaves a field alone.

    `note` is written beside the task, if a task has no description; None removes the one that the task before has.
    `native` are the backend's own values from an earlier snapshot of the task. If they have a value for a field that
    is set, the backend writes that value: it is exact, even if the contract cannot express it.
    """

    title: str | MISSING = MISSING
    description: str | None | MISSING = MISSING
    due: Due | None | MISSING = MISSING
    responsible_ids: tuple[str, ...] | MISSING = MISSING
    ai_contact_id: str | None | MISSING = MISSING
    ai_customer_id: str | None | MISSING = MISSING
    priority: int | None | MISSING = MISSING
    status: StatusChoice | MISSING = MISSING
    task_type: str | None | MISSING = MISSING
    deal_id: str | None | MISSING = MISSING
    resolution: str | None | MISSING = MISSING
    note: str | None | MISSING = MISSING
    properties: PropertyValues | MISSING = MISSING
    native: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)

    def given_fields(self) -> tuple[tuple[str, object], ...]:
        """The fields that are set, with their values; each property is one."""
        values = _VALUES(self)
        given = tuple(compress(zip(FIELDS, values, strict=True), map(is_not, values, repeat(MISSING))))
        if self.properties is MISSING:
            return given
        return (*given, *((property_field(name), value) for name, value in self.properties))

    @property
    def is_empty(self) -> bool:
        """Whether no field is set."""
        return self.properties is MISSING and not any(map(is_not, _VALUES(self), repeat(MISSING)))

    def unmet_fields(
        self, task: Task, *, written: bool = False, sure_of_due: bool = True
    ) -> tuple[tuple[str, object], ...]:
        """The set fields that `task` does not show with certainty, with their values.

        `written` is whether `task` is the answer to a write: a due zone that was not requested may then be any zone.
        `sure_of_due` is whether the due date of `task` is certain.
        """
        return tuple(
            (name, value)
            for name, value in self.given_fields()
            if not shows(task, name, value, written=written) or (name == "due" and not sure_of_due)
        )

    def unmet_by(self, task: Task, *, written: bool = False, sure_of_due: bool = True) -> "Edit":
        """The edit that sets the `unmet_fields`."""
        unmet = self.unmet_fields(task, written=written, sure_of_due=sure_of_due)
        return self if len(unmet) == len(self.given_fields()) else edit_of(unmet, self.native)

    def is_met_by(self, task: Task, *, written: bool = False) -> bool:
        """Whether `task` shows every field that is set."""
        return not self.unmet_fields(task, written=written)


FIELDS = tuple(attribute.name for attribute in fields(Edit) if attribute.name not in {"native", "properties"})
"""The fields of an edit that a task shows, besides properties."""
_VALUES = attrgetter(*FIELDS)


def only_on_creation(edit: Edit) -> Edit:
    """The part of an edit with which a task is created; no CRM is asked to create a finished task."""
    return without(edit, "status", "resolution")


def after_creation(edit: Edit) -> Edit:
    """The part of an edit that a new task gets by a second request."""
    return Edit(status=edit.status, resolution=edit.resolution, native=edit.native)


def edit_of(pairs: Iterable[tuple[str, Any]], native: Mapping[str, Any] | None = None) -> Edit:
    """The edit that sets these fields, given as pairs of name and value."""
    plain: dict[str, Any] = {}
    properties: dict[str, str | None] = {}
    for name, value in pairs:
        if (own_name := property_name(name)) is None:
            plain[name] = value
        else:
            properties[own_name] = value
    return Edit(**plain, properties=tuple(sorted(properties.items())) if properties else MISSING, native=native)


def without(edit: Edit, *names: str) -> Edit:
    """The edit without these fields."""
    given = edit.given_fields()
    kept = tuple((name, value) for name, value in given if name not in names)
    return edit if len(kept) == len(given) else edit_of(kept, edit.native)


def properties_in(*edits: Edit | None) -> frozenset[str]:
    """The names of the properties that edits set."""
    return property_names(name for edit in edits if edit is not None for name, _ in edit.given_fields())


def known_properties(task: Task) -> dict[str, str | None]:
    """The properties that were read of a task, by name; None for one without a value."""
    return {} if task.properties is MISSING else task.properties


def current_value(task: Task, name: str) -> object:
    """The value of `task` in the field `name` of an edit."""
    if (own := property_name(name)) is not None:
        return known_properties(task).get(own)
    match name:
        case "due":
            return due_of(task)
        case "status":
            return task.status_config
        case _:
            return getattr(task, name)


def value_of(task: Task, field: str) -> object:
    """The value that a difference has for a field of the task; no priority is shown as the lowest, as in rows."""
    if field == "priority":
        return task.shown_priority
    return DIFFERENCE_VALUES[field](task) if property_name(field) is None else current_value(task, field)


def is_readable(task: Task, name: str) -> bool:
    """Whether `task` has a readable value in the field `name` of an edit."""
    if (own := property_name(name)) is not None:
        return own in known_properties(task)
    return SHOWN_AS.get(name, name) not in task.unreadable_fields


def unreadable_fields(task: Task) -> frozenset[str]:
    """The fields of an edit that `task` does not show, because they cannot be read."""
    return frozenset(name for name in FIELDS if not is_readable(task, name)) if task.unreadable_fields else frozenset()


def is_untouched(task: Task, before: Task, edit: Edit) -> bool:
    """Whether a task certainly has its former value in every field of an edit."""
    return all(
        name != "note"  # reading a task does not read the notes beside it
        and is_readable(task, name)
        and is_readable(before, name)
        and current_value(task, name) == current_value(before, name)
        for name, _ in edit.given_fields()
    )


def shows(task: Task, name: str, value: object, *, written: bool = False) -> bool:
    """Whether `task` has `value` in the field `name` of an edit; the order of people is ignored.

    `written` is as for `Edit.unmet_fields`.
    """
    if not is_readable(task, name):
        return False
    match value:
        case None if name == "resolution":
            return not isinstance(task.resolution, str)
        case Due(zone=None) if written and (due := due_of(task)) is not None:
            return (due.day, due.at) == (value.day, value.at)
        case tuple():
            return set(task.responsible_ids) == set(value)
        case StatusChoice():
            return value.met_by(task.status_config)
        case _:
            return current_value(task, name) == value
