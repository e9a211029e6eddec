"""From an edit to the JSON that Close is sent: the fields that it documents and no others; pure.

Source: https://developer.close.com/api/resources/tasks, "Create a task", "Update a task" and "Bulk-update tasks".
CallerError where Close cannot hold a value.
"""

from typing import Any, Final

from pydantic import MISSING

from taskhand.backends.close.kind import CALL, LEAD
from taskhand.backends.close.mapping import DONE, OPEN, PRIORITIES
from taskhand.due import Due
from taskhand.edit import Edit
from taskhand.errors import CallerError, Candidate
from taskhand.task import StatusChoice

__all__ = ["body_of", "draft_of", "is_complete", "native_body"]

_NATIVE: Final = frozenset({"due", "status", "responsible_ids"})
"""The fields that a bulk update changes."""
_HIGH: Final = PRIORITIES[2]


def body_of(edit: Edit, *, dateless: bool) -> dict[str, Any]:
    """The body of PUT /task/{id}/ that makes `edit` of a task, `dateless` before or not: these fields and no others."""
    body: dict[str, Any] = {}
    if edit.title is not MISSING:
        body["text"] = edit.title
    if edit.due is not MISSING:
        body |= _date_fields(edit.due, dateless=dateless)
    if edit.responsible_ids is not MISSING:
        body["assigned_to"] = _only(edit.responsible_ids)
    if edit.priority is not MISSING:
        body["priority"] = _word(edit.priority)
    if edit.status is not MISSING:
        body["is_complete"] = is_complete(edit.status)
    return body


def native_body(edit: Edit) -> dict[str, Any] | None:
    """The values of a bulk update; None where one field of the edit is not for bulk, so that it goes by itself."""
    given = dict(edit.given())
    if not given or not given.keys() <= _NATIVE or edit.due is None:
        return None
    return body_of(edit, dateless=False)


def draft_of(edit: Edit, kind: str) -> dict[str, Any]:
    """The body of POST /task/ for a new task of that type.

    A to-do without a due date says so (`is_dateless`): its `date` would otherwise be the server's to choose. An
    outgoing call has no priority and cannot say that it is dateless.
    """
    given = dict(edit.given())
    lead_id, contact_id = given.get("ai_customer_id"), given.get("ai_contact_id")
    if lead_id is None or (kind == CALL and contact_id is None):
        lacking = "aiCustomerId" if lead_id is None else "aiContactId"
        raise CallerError(
            f"{lacking} is required: a task of the type {kind} belongs to one in Close.",
            code="missing_argument",
            next_step=f"Take {lacking} from find_contacts.",
        )
    if given.get("description"):
        raise CallerError("A task in Close has no description.", next_step="Leave description out.")
    body = {"_type": kind, "lead_id": lead_id} | body_of(edit, dateless=True)
    if contact_id is not None:
        body["contact_id"] = contact_id
    if kind == LEAD:
        return body if given.get("due") else body | {"is_dateless": True}
    if body.pop("priority", None) == _HIGH:
        raise CallerError(
            "An outgoing call has no priority in Close.", code="invalid_priority", next_step='Send priority "1".'
        )
    body.pop("is_dateless", None)
    return body


def is_complete(choice: StatusChoice) -> bool:
    """Whether the status chosen is the finished one; CallerError for any but the two that there are."""
    for status in (OPEN, DONE):
        if choice.met_by(status):
            return status is DONE
    raise CallerError(
        "A task in Close is either Open or Completed.",
        code="unknown_status",
        candidates=[Candidate(OPEN.name), Candidate(DONE.name)],
        next_step="Send newStatusName with one of the candidates.",
    )


def _date_fields(due: Due | None, *, dateless: bool) -> dict[str, Any]:
    """A day as a day, an instant in UTC as an instant; `date` itself is not nullable, `is_dateless` removes it."""
    if due is None:
        return {"is_dateless": True}
    fields: dict[str, Any] = {"date": (due.at or due.day).isoformat()}
    return fields | {"is_dateless": False} if dateless else fields


def _only(people: tuple[str, ...]) -> str:
    """The one responsible."""
    if len(people) == 1:
        return people[0]
    raise CallerError(
        f"{len(people)} responsibles were given; a task in Close has exactly 1.",
        code="too_many_responsibles" if people else "responsible_required",
        next_step="Send exactly 1 person in responsibleIds.",
    )


def _word(priority: int) -> str:
    if priority in PRIORITIES:
        return PRIORITIES[priority]
    raise CallerError(
        f"priority {priority} does not exist in Close.",
        code="invalid_priority",
        candidates=[Candidate(str(number), word) for number, word in PRIORITIES.items()],
        next_step="Send one of the candidates.",
    )
