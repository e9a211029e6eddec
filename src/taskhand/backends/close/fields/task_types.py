"""Task types of Close (`_type`): labels, the types that can be listed or created, and the changes each type accepts.

Source: https://developer.close.com/api/resources/tasks, and its page "Update a task": `assigned_to`, `date` and
`is_complete` can change on every type, `text` only on `lead`. Only the schema says that `priority`, `contact_id`,
`resolution` and `is_dateless` can change; this is assumed for the types that can be created.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from pydantic import MISSING

from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, OperatorError
from taskhand.domain.field_names import argument_name

__all__ = [
    "CALL",
    "INBOX",
    "LEAD",
    "REQUIRED_FIELDS",
    "NewTaskType",
    "check_changeable",
    "label_of",
    "listed_types",
    "new_task_type",
    "why_not_recreatable",
]

NewTaskType = Literal["lead", "outgoing_call"]
"""The types that can be created."""
LEAD: Final = "lead"
CALL: Final = "outgoing_call"

_LABELS: Final = {
    LEAD: "To-do",
    CALL: "Outgoing call",
    "incoming_email": "Incoming e-mail",
    "email_followup": "E-mail to follow up",
    "missed_call": "Missed call",
    "answered_detached_call": "Answered call",
    "voicemail": "Voicemail",
    "opportunity_due": "Opportunity due",
    "incoming_sms": "Incoming SMS",
}
INBOX: Final = tuple(_LABELS)
"""The documented types; a person's inbox shows open tasks of all of them."""

REQUIRED_FIELDS: Final[Mapping[NewTaskType, Sequence[str]]] = {
    LEAD: ("ai_customer_id",),
    CALL: ("ai_customer_id", "ai_contact_id"),
}
"""The links that a new task of a type needs."""

_ALWAYS_CHANGEABLE: Final = frozenset({"due", "status", "responsible_ids", "note"})
_CHANGEABLE_ON: Final = {
    LEAD: _ALWAYS_CHANGEABLE | {"title", "priority", "ai_contact_id", "resolution"},
    CALL: _ALWAYS_CHANGEABLE | {"ai_contact_id", "resolution"},
}


def label_of(task_type: str) -> str:
    """The label of a type; for an undocumented type, its own name in words."""
    return _LABELS.get(task_type, task_type.replace("_", " ").capitalize())


def listed_types(setting: str) -> tuple[str, ...]:
    """The types of a setting: `inbox`, comma-separated names, or `all` (an empty tuple); OperatorError otherwise."""
    names = INBOX if setting == "inbox" else tuple(name.strip() for name in setting.split(","))
    if names == ("all",):
        return ()
    if not set(names) <= set(INBOX):
        raise OperatorError(
            "CLOSE_TASK_TYPES contains a task type that Close does not have.",
            next_step=f"Set it to inbox, to all, or to a comma-separated list of: {', '.join(INBOX)}.",
        )
    return tuple(dict.fromkeys(names))


def new_task_type(edit: Edit, configured: NewTaskType) -> NewTaskType:
    """The type of a new task: that of the deleted task it replaces, else the type of the edit, else `configured`.

    CallerError `cannot_recreate` for a type that cannot be created, and for a call by a voice agent.
    """
    asked = configured if edit.task_type is MISSING else edit.task_type
    raw = {"_type": asked} | dict(edit.native or {})
    if (why := why_not_recreatable(raw)) is not None:
        step = "Call create_task with a title that describes the work."
        raise CallerError(f"The task cannot be created again. {why}", code="cannot_recreate", next_step=step)
    return CALL if raw["_type"] == CALL else LEAD


def why_not_recreatable(raw_values: Mapping[str, Any]) -> str | None:
    """The reason, as a sentence, why a task with these `raw_values` cannot be created; None if it can."""
    task_type = raw_values["_type"]
    if task_type not in {LEAD, CALL}:
        return f"Only Close itself creates tasks of the type {task_type} ({label_of(task_type)})."
    if raw_values.get("agent_config_id"):
        return "It is a call by a voice agent: a new one would call somebody."
    return None


def check_changeable(edit: Edit, task_type: str) -> None:
    """Refuse a change that a task of this type does not accept; CallerError `field_not_changeable` with the reason."""
    given = dict(edit.given_fields())
    for name in given.keys() - _CHANGEABLE_ON.get(task_type, _ALWAYS_CHANGEABLE):
        argument = argument_name(name)
        why = f"{argument} cannot change after a task is created in Close."
        if name in _CHANGEABLE_ON[LEAD]:
            others = "to-dos and outgoing calls" if name in _CHANGEABLE_ON[CALL] else "to-dos"
            of_type = f"this task is of the type {task_type} ({label_of(task_type)})"
            why = f"In Close {argument} can change on {others} only, and {of_type}."
        raise _not_changeable(why, f"Leave {argument} out.")
    if given.get("ai_contact_id", ...) is None and task_type == CALL:
        raise _not_changeable(
            "An outgoing call in Close needs a contact, so aiContactId cannot be removed.",
            "Send the aiContactId of another contact of its lead, or complete the task.",
        )
    if given.get("due", ...) is None and task_type not in {LEAD, CALL}:
        raise _not_changeable(
            f"The due date of a {task_type} task cannot be removed: only to-dos and outgoing calls can have none.",
            "Send another dueDate, or complete the task.",
        )


def _not_changeable(why: str, next_step: str) -> CallerError:
    return CallerError(why, code="field_not_changeable", next_step=next_step)
