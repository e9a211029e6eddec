"""The rules of the documented body, checked before any request is sent; pure.

The rules come from https://docs.vambe.me/reference/tasks/update-task, "Validation Rules" and "Best Practices".
"""

import re
from collections.abc import Sequence

from pydantic import MISSING

from taskhand.domain.capabilities import Capabilities
from taskhand.domain.display_text import strip_hidden
from taskhand.domain.due_request import DueRequest
from taskhand.domain.edit import is_readable
from taskhand.domain.errors import CallerError
from taskhand.domain.field_limits import check_lengths, check_number_of_properties, check_responsibles
from taskhand.domain.priority import check_priority
from taskhand.domain.properties import PropertyValue
from taskhand.domain.reference_time import Reference
from taskhand.domain.task import Task, TaskDraft, TaskPatch

__all__ = [
    "changes_people",
    "check_body",
    "check_id",
    "check_note",
    "check_patch",
    "check_properties",
    "check_readable",
    "parse_due",
]

_CURRENT = {"description": "description", "due": "due date", "responsible_ids": "responsibles"}
_REPLACE = {
    "description": "Replace it: send the whole description with update_task.",
    "due": "Send dueDate and dueTime together; dueTime null makes the task all-day.",
    "responsible_ids": "Replace them: send all responsibleIds with update_task.",
}


_NO_ID = frozenset({"", "null", "none", "undefined"})
"""Texts that hosts send in place of null."""


def check_patch(patch: TaskPatch, capabilities: Capabilities) -> None:
    """Refuse a patch that the documentation forbids; `parse_due` refuses invalid due fields."""
    if patch.new_status_name is not MISSING and patch.new_status_position is not MISSING:
        raise CallerError(
            "newStatusName and newStatusPosition were both given; only one of them may be.",
            code="both_statuses",
            next_step="Send newStatusName alone.",
        )
    if not patch.model_fields_set & TaskPatch.model_fields.keys():
        raise CallerError(
            "No field to change was given.",
            code="nothing_to_change",
            next_step="Send at least one field to change, or name it in clear.",
        )
    if patch.new_status_name is not MISSING and not patch.new_status_name.strip():
        raise CallerError(
            "newStatusName is empty.", code="unknown_status", next_step="Call list_statuses for the names."
        )
    if patch.responsible_ids is not MISSING and changes_people(patch):
        raise CallerError(
            "responsibleIds replaces everyone, so it cannot go with addResponsibleIds or removeResponsibleIds.",
            code="several_changes",
            next_step="Send responsibleIds alone, or only the people to add and to remove.",
        )
    if patch.add_note is not MISSING:
        if patch.description is not MISSING:
            raise CallerError(
                "description and addNote were both given; only one of them may be.",
                code="several_changes",
                next_step="Send addNote alone to keep the description, or description with the note in it.",
            )
        check_note(patch.add_note)
    check_body(patch, capabilities)


def check_note(note: str) -> None:
    """Refuse a note in which nothing can be read."""
    if not _can_be_read(note):
        raise CallerError("addNote is empty.", code="nothing_to_change", next_step="Send at least one character.")


def changes_people(patch: TaskPatch) -> bool:
    """Whether a patch adds to or removes from the people who are on a task."""
    return any(people is not MISSING for people in (patch.add_responsible_ids, patch.remove_responsible_ids))


def parse_due(body: TaskDraft | TaskPatch, reference: Reference) -> DueRequest:
    """The due fields of a body, parsed; CallerError for invalid ones."""
    return DueRequest.parse(body.due_date, body.due_time, body.timezone, reference=reference)


def check_id(task_id: str, capabilities: Capabilities, *, has_id_property: bool = True) -> None:
    """Refuse an id that is malformed for this backend.

    `has_id_property` is whether the tool takes `idProperty`, if the backend has it.
    """
    if not re.fullmatch(capabilities.id_pattern, task_id):
        next_step = "Take id from list_tasks, and send it unchanged."
        if " " in task_id.strip():
            next_step = "If it is a title, call list_tasks with text to find the task, then send its id."
        if has_id_property and "properties" not in capabilities.absent:
            next_step += " If it is the value of a unique property, name that in idProperty."
        raise CallerError(f"{task_id[:60]!r} is not a task id.", code="invalid_id", next_step=next_step)


def check_properties(values: Sequence[PropertyValue]) -> None:
    """Refuse too many properties, and one that is given twice."""
    names = [value.name for value in values]
    check_number_of_properties(len(names))
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise CallerError(
            f"properties has {twice[:60]!r} twice.", code="invalid_arguments", next_step="Send each property once."
        )


def check_readable(task: Task, name: str) -> None:
    """Refuse a change that is made from what `task` has in the field `name` of an edit, if that cannot be read."""
    if not is_readable(task, name):
        raise CallerError(
            f"The change depends on the task's {_CURRENT[name]}, which the CRM has in a form that cannot be read.",
            code="unreadable_field",
            next_step=_REPLACE[name],
        )


def check_body(body: TaskDraft | TaskPatch, capabilities: Capabilities) -> None:
    """Refuse values that the documentation forbids in any body; `parse_due` refuses invalid due fields."""
    if body.title is not MISSING and not _can_be_read(body.title):
        raise CallerError("title is empty.", code="invalid_title", next_step="Send at least one character.")
    check_lengths(body, capabilities)
    if body.responsible_ids is not MISSING:
        check_responsibles(body.responsible_ids, capabilities)
    for name in ("ai_contact_id", "ai_customer_id", "deal_id"):
        value = getattr(body, name)
        if isinstance(value, str) and value.strip().casefold() in _NO_ID:
            argument = type(body).model_fields[name].alias
            raise CallerError(
                f"{argument} {value!r} is no id." if value.strip() else f"{argument} is empty.",
                code="invalid_id",
                next_step="Send an id from find_contacts, or null for no link.",
            )
    if body.priority is not MISSING:
        check_priority(body.priority, capabilities.priorities)


def _can_be_read(text: str) -> bool:
    return any(character.isprintable() and not character.isspace() for character in strip_hidden(text))
