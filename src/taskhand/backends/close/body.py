"""From an edit to the JSON that Close is sent: the fields that it documents and no others; pure.

Source: https://developer.close.com/api/resources/tasks, "Create a task", "Update a task" and "Bulk-update tasks".
Where an edit carries Close's own values, of before, those are sent: a `date` to the microsecond. CallerError where
Close cannot hold a value.
"""

from typing import Any, Final

from pydantic import MISSING

from taskhand.backends.close.mapping import DONE, OPEN, PRIORITIES, is_dateless
from taskhand.backends.close.task_types import CALL, LEAD
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, Candidate
from taskhand.domain.task import StatusChoice

__all__ = ["body_of", "draft_of", "is_complete", "native_body"]

_NATIVE: Final = frozenset({"due", "status", "responsible_ids"})
"""The fields that a bulk update changes."""
_HIGH: Final = PRIORITIES[2]


def body_of(edit: Edit, *, dateless: bool) -> dict[str, Any]:
    """The body of PUT /task/{id}/ that makes `edit` of a task, `dateless` before or not: these fields and no others."""
    native = edit.native or {}
    body: dict[str, Any] = {}
    if edit.title is not MISSING:
        body["text"] = edit.title if (text := native.get("text")) is None else text
    if edit.due is not MISSING:
        body |= _date_fields(_date(edit), dateless=dateless)
    if edit.responsible_ids is not MISSING:
        body["assigned_to"] = native.get("assigned_to") or _only(edit.responsible_ids)
    if edit.priority is not MISSING:
        body["priority"] = native.get("priority") or _word(edit.priority)
    if edit.status is not MISSING:
        told = native.get("is_complete")
        body["is_complete"] = is_complete(edit.status) if told is None else told
    return body


def native_body(edit: Edit) -> dict[str, Any] | None:
    """The values of a bulk update; None where one field of the edit is not for bulk, so that it goes by itself."""
    given = dict(edit.given())
    if not given or not given.keys() <= _NATIVE:
        return None
    body = body_of(edit, dateless=False)
    return None if "is_dateless" in body else body


def draft_of(edit: Edit, kind: str) -> dict[str, Any]:
    """The body of POST /task/ for a new task of that type.

    A to-do without a due date says so (`is_dateless`): its `date` would otherwise be the server's to choose. An
    outgoing call has no priority, cannot say that it is dateless, and may have been without a text.
    """
    given = dict(edit.given())
    _check_draft(given, kind)
    body = {"_type": kind, "lead_id": given["ai_customer_id"]} | body_of(edit, dateless=True)
    if given.get("ai_contact_id") is not None:
        body["contact_id"] = given["ai_contact_id"]
    if kind == LEAD:
        return body if "date" in body else body | {"is_dateless": True}
    if body.pop("priority", None) == _HIGH and edit.native is None:
        raise CallerError(
            "An outgoing call has no priority in Close.", code="invalid_priority", next_step='Send priority "1".'
        )
    body.pop("is_dateless", None)
    if edit.native is not None and edit.native.get("text", "") is None:
        body.pop("text", None)
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


def _check_draft(given: dict[str, object], kind: str) -> None:
    """Refuse a draft that lacks what the task belongs to, or has what no task in Close has."""
    lacking = "aiCustomerId" if given.get("ai_customer_id") is None else None
    if kind == CALL and given.get("ai_contact_id") is None:
        lacking = lacking or "aiContactId"
    if lacking:
        raise CallerError(
            f"{lacking} is required: a task of the type {kind} belongs to one in Close.",
            code="missing_argument",
            next_step=f"Take {lacking} from find_contacts.",
        )
    if given.get("description"):
        raise CallerError("A task in Close has no description.", next_step="Leave description out.")


def _date(edit: Edit) -> str | None:
    """The `date` of an edit that sets it, None for none: a day as a day, an instant in UTC as an instant."""
    if edit.native is not None and "date" in edit.native:
        told: str | None = edit.native["date"]
        return None if is_dateless(edit.native) else told
    due = edit.due
    return None if due is MISSING or due is None else (due.at or due.day).isoformat()


def _date_fields(date: str | None, *, dateless: bool) -> dict[str, Any]:
    """`date` itself is not nullable: `is_dateless` removes it, and brings it back."""
    if date is None:
        return {"is_dateless": True}
    return {"date": date, "is_dateless": False} if dateless else {"date": date}


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
