"""The types of tasks in Close (`_type`): what each is called, and which changes it takes; pure.

Source: https://developer.close.com/api/resources/tasks, and its page "Update a task": `assigned_to`, `date` and
`is_complete` change on every type, `text` on `lead` alone. `priority` and `is_dateless` are told of those types that
can be given them when they are created.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, OperatorError

__all__ = ["CALL", "INBOX", "LEAD", "NewKind", "check_change", "label_of", "listed_kinds", "new_kind"]

LEAD: Final = "lead"
CALL: Final = "outgoing_call"

NewKind = Literal["lead", "outgoing_call"]
"""The types that can be created."""

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
"""The documented types: all of them are shown in a person's inbox while they are not complete."""

_ON_ALL: Final = frozenset({"due", "status", "responsible_ids"})
_TAKES: Final = {LEAD: _ON_ALL | {"title", "priority"}}
_CAN_BE_DATELESS: Final = frozenset({LEAD, CALL})
_ARGUMENTS: Final = {
    "title": "title",
    "description": "description",
    "priority": "priority",
    "ai_contact_id": "aiContactId",
    "ai_customer_id": "aiCustomerId",
}


def label_of(kind: str) -> str:
    """What people call a type; one that is not documented keeps its own word."""
    return _LABELS.get(kind, kind.replace("_", " ").capitalize())


def listed_kinds(types: str) -> dict[str, str]:
    """The query that lists `types`: `inbox`, `all`, or names with commas between; OperatorError for anything else."""
    names = INBOX if types == "inbox" else tuple(name.strip() for name in types.split(","))
    if names == ("all",):
        return {"_type": "all"}
    if not names or not set(names) <= set(INBOX):
        raise OperatorError(
            "CLOSE_TASK_TYPES names a type of task that Close does not have.",
            next_step=f"Set it to inbox, to all, or to some of: {', '.join(INBOX)}.",
        )
    return {"_type__in": ",".join(dict.fromkeys(names))}


def new_kind(native: Mapping[str, Any] | None, configured: NewKind) -> NewKind:
    """The type of a new task: that of the task in whose place it is made, by its own values, else as `configured`.

    CallerError `cannot_recreate` where Close takes none of that type, and for a call that a voice agent was to make.
    """
    told = native or {}
    kind = told.get("_type", configured)
    if kind not in {LEAD, CALL}:
        raise _not_again(f"Close makes tasks of the type {kind} ({label_of(kind)}) by itself, and takes none.")
    if told.get("agent_config_id"):
        raise _not_again("It is a call that a voice agent makes: a new one would ring somebody.")
    return CALL if kind == CALL else LEAD


def check_change(edit: Edit, kind: str) -> None:
    """Refuse a change that a task of this type cannot take, or that no task of Close can; CallerError says why."""
    given = dict(edit.given())
    taken = _TAKES.get(kind, _ON_ALL)
    for name in given.keys() - taken:
        if name != "description" or given[name] is not None:
            raise _refused(_ARGUMENTS[name], kind, on_a_lead=name in _TAKES[LEAD])
    if "due" in given and given["due"] is None and kind not in _CAN_BE_DATELESS:
        raise CallerError(
            f"The due date of a task of the type {kind} cannot be removed: only to-dos and outgoing calls have none.",
            code="field_not_changeable",
            next_step="Send another dueDate, or complete the task.",
        )


def _not_again(why: str) -> CallerError:
    return CallerError(
        f"The task cannot be made again. {why}",
        code="cannot_recreate",
        next_step="Call create_task with a title that says what is to be done.",
    )


def _refused(argument: str, kind: str, *, on_a_lead: bool) -> CallerError:
    if argument == "description":
        why = "A task in Close has no description."
    elif on_a_lead:
        why = f"{argument} changes on to-dos alone in Close, and this task is of the type {kind} ({label_of(kind)})."
    else:
        why = f"{argument} cannot change after a task is created in Close."
    return CallerError(why, code="field_not_changeable", next_step=f"Leave {argument} out.")
