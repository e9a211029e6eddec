"""Mapping between Close's JSON and the contract, both ways.

Requests have only documented fields (https://developer.close.com/api/resources/tasks). The fields of a response depend
on the task's type; not every sample has `priority` and `due_date`, and even a dateless task has a `date`.
If an edit has raw values of an earlier response, those are sent, so a `date` keeps its microseconds.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from pydantic import MISSING

from taskhand.backends.close.fields.task_types import CALL, INBOX, LEAD, REQUIRED_FIELDS, NewTaskType, label_of
from taskhand.backends.remote.parsing import JsonObject, filled_text, full_name, id_of, optional_text, utc_moment
from taskhand.domain.capabilities import Capabilities
from taskhand.domain.due import Due, instant_text
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, Candidate
from taskhand.domain.field_limits import check_responsibles
from taskhand.domain.field_names import argument_name
from taskhand.domain.priority import check_priority
from taskhand.domain.task import Member, Status, Task
from taskhand.domain.task_times import TaskTimes
from taskhand.domain.unreadable_fields import task_from

__all__ = [
    "CAPABILITIES",
    "DONE",
    "OPEN",
    "UNLISTED_PRIORITY",
    "bulk_body",
    "check_new",
    "check_values",
    "create_body",
    "created_at",
    "former_member_of",
    "is_former_member",
    "listed_priority",
    "member_of",
    "raw_values",
    "sent_priority",
    "task_of",
    "times_of",
    "update_body",
]

OPEN: Final = Status(id="open", name="Open", color=None, type="initial", order=1)
DONE: Final = Status(id="completed", name="Completed", color=None, type="done", order=2)

_NOTIFICATIONS: Final = "noti_... rows are CRM notifications"

# Ids are opaque; all known task ids begin with `task_`, or with `noti_` if Close created the task. A member id has a
# digit or a `_`, unlike a name of one word.
CAPABILITIES: Final = Capabilities(
    absent=frozenset({"description", "dealId", "properties"}),
    absent_on_update=frozenset({"aiCustomerId", "taskType"}),
    required_on_create=frozenset({"aiCustomerId"}),
    priorities=("1", "2"),
    id_pattern=r"[A-Za-z0-9_-]{1,200}",
    usual_id_pattern=r"(task|noti)_[A-Za-z0-9_-]{1,195}",
    contact_id_pattern=r"cont_[A-Za-z0-9_-]{1,195}",
    customer_id_pattern=r"lead_[A-Za-z0-9_-]{1,195}",
    member_id_pattern=r"(?=[A-Za-z_-]*[0-9_])[A-Za-z0-9_-]{1,200}",
    least_responsibles=1,
    most_responsibles=1,
    keeps_timezone=False,
    known=("created", "updated"),
    notes=f"Here: no finish time, no description; {_NOTIFICATIONS}.",
    lists_also=_NOTIFICATIONS,
    status_names=(OPEN.name, DONE.name),
    finished_names=(DONE.name,),
    task_types=INBOX,
    longest_title=50_000,  # a task has no text but `text`, and Close documents no limit
    new_task_types=(LEAD, CALL),
    resolved_types=(LEAD, CALL),
    new_task_types_note=f"{CALL} needs aiContactId",
)

_HIGH: Final = 2
_PRIORITIES: Final = {1: "medium", _HIGH: "high"}
"""Close's words for the contract's numbers; Close has no word for 0."""
UNLISTED_PRIORITY: Final = 0
"""The priority of a to-do whose response lists none; no query can ask for this number."""

_DETAILS: Final = ("subject", "text", "opportunity_note", "phone_formatted", "phone", "remote_phone_formatted")
_RAW_VALUES: Final = (
    *("text", "date", "is_dateless", "due_date", "assigned_to", "priority", "is_complete"),
    *("lead_id", "contact_id", "agent_config_id"),
)


def task_of(json: JsonObject, zone: str | None) -> Task:
    """The task of a row; instants are shown in the IANA `zone`, days have no zone. The id is empty if the row has none.

    A field that every task of its type has is unreadable if the row lacks it.
    """
    readers = _READERS | {"due": lambda row: _due(row, zone)}
    lead_id = filled_text(json.get("lead_id"))
    return task_from(id_of(json), json, readers, {"url": lead_id and f"https://app.close.com/lead/{lead_id}/"})


def member_of(json: JsonObject) -> Member | None:
    """The member of a user row (https://developer.close.com/api/resources/users); None if the row has no id."""
    return _member(json.get("id"), json.get("email"), full_name(json, "first_name", "last_name"))


def former_member_of(json: JsonObject) -> Member | None:
    """The member of a membership row (https://developer.close.com/api/resources/organizations); None without an id."""
    name = filled_text(json.get("user_full_name")) or full_name(json, "user_first_name", "user_last_name")
    return _member(json.get("user_id"), json.get("user_email"), name)


def _member(user_id: object, email: object, name: str) -> Member | None:
    known_id, known_email = filled_text(user_id), filled_text(email)
    return Member(id=known_id, name=name or known_email or known_id, email=known_email) if known_id else None


def is_former_member(json: JsonObject) -> bool:
    """Whether a user has left the organization."""
    return json.get("organizations") == []


def created_at(json: Mapping[str, Any]) -> datetime | None:
    """The creation time of a task, in UTC; None if its row has none."""
    return utc_moment(json.get("date_created"))


def times_of(json: Mapping[str, Any]) -> TaskTimes:
    """The time of a task's last change; Close has no finish time."""
    return TaskTimes(updated=utc_moment(json.get("date_updated")))


def raw_values(json: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a row that can be written back, and its type."""
    return {"_type": json.get("_type") or LEAD} | {name: json[name] for name in _RAW_VALUES if name in json}


def check_values(edit: Edit) -> None:
    """Refuse a responsible, a priority or a status that Close cannot hold; raw values of Close are right."""
    raw = edit.native or {}
    if edit.responsible_ids is not MISSING and not raw.get("assigned_to"):
        check_responsibles(edit.responsible_ids, CAPABILITIES)
    if isinstance(edit.priority, int) and not raw.get("priority"):
        check_priority(str(edit.priority), CAPABILITIES.priorities)
    if edit.status is MISSING or raw.get("is_complete") is not None:
        return
    if not (edit.status.met_by(OPEN) or edit.status.met_by(DONE)):
        raise CallerError(
            "A task in Close is either Open or Completed.",
            code="unknown_status",
            candidates=[Candidate(OPEN.name), Candidate(DONE.name)],
            next_step="Send newStatusName with one of the candidates.",
        )


def check_new(edit: Edit, task_type: NewTaskType) -> None:
    """Refuse a new task that lacks a link which its type needs, or has a value that Close cannot hold."""
    given = dict(edit.given_fields())
    if missing := [argument_name(name) for name in REQUIRED_FIELDS[task_type] if given.get(name) is None]:
        raise CallerError(
            f"{missing[0]} is required for a task of the type {task_type} in Close.",
            code="missing_argument",
            next_step=f"Take {missing[0]} from find_contacts.",
        )
    check_values(edit)
    if task_type == CALL and edit.priority == _HIGH and edit.native is None:
        why = "An outgoing call has no priority in Close."
        raise CallerError(why, code="invalid_priority", next_step='Send priority "1".')


def update_body(edit: Edit, *, dateless: bool) -> dict[str, Any]:
    """The body of PUT /task/{id}/ with the fields that `edit` sets; `dateless` is whether the task has no due date now.

    The values have passed `check_values`.
    """
    raw = edit.native or {}
    body: dict[str, Any] = {}
    if edit.title is not MISSING:
        body["text"] = edit.title if raw.get("text") is None else raw["text"]
    if edit.due is not MISSING:
        body |= _due_fields(edit.due, raw, dateless=dateless)
    if edit.responsible_ids is not MISSING:
        body["assigned_to"] = raw.get("assigned_to") or edit.responsible_ids[0]
    if (word := sent_priority(edit)) is not None:
        body["priority"] = word
    if edit.status is not MISSING:
        body["is_complete"] = edit.status.met_by(DONE) if raw.get("is_complete") is None else raw["is_complete"]
    if edit.resolution is not MISSING:
        body["resolution"] = edit.resolution
    if edit.ai_contact_id is not MISSING:
        body["contact_id"] = edit.ai_contact_id
    return body


def sent_priority(edit: Edit) -> str | None:
    """Close's word for the priority of an edit; None if it sets none."""
    if edit.priority is MISSING or edit.priority is None:
        return None
    return str((edit.native or {}).get("priority") or _PRIORITIES[edit.priority])


def bulk_body(edit: Edit) -> dict[str, Any] | None:
    """The values of a bulk update; None if a field of the edit cannot be updated in bulk."""
    given = {name for name, _ in edit.given_fields()}
    if not given or not given <= {"due", "status", "responsible_ids"}:
        return None
    body = update_body(edit, dateless=False)
    return None if "is_dateless" in body else body


def create_body(edit: Edit, task_type: NewTaskType) -> dict[str, Any]:
    """The body of POST /task/, of an edit that has passed `check_new`.

    A to-do without a due date sends `is_dateless`; otherwise the server would choose its `date`. An outgoing call has
    no priority and no `is_dateless`. A deleted call that is created again may have had no text.
    """
    body = {"_type": task_type, "lead_id": edit.ai_customer_id} | update_body(edit, dateless=True)
    if body.get("contact_id", ...) is None:
        del body["contact_id"]
    if task_type == LEAD:
        return body if "date" in body else body | {"is_dateless": True}
    for name in ("priority", "is_dateless"):
        body.pop(name, None)
    if edit.native is not None and edit.native.get("text", "") is None:
        body.pop("text", None)
    return body


def listed_priority(json: Mapping[str, Any]) -> int | None:
    """The priority that a row lists; if it lists none, None for a to-do and medium for any other type."""
    word = str(json.get("priority")).casefold()
    number = next((number for number, known in _PRIORITIES.items() if known == word), None)
    return 1 if number is None and (json.get("_type") or LEAD) != LEAD else number


def _priority(json: Mapping[str, Any]) -> int:
    """The priority to show; ValueError for an unknown word."""
    number = listed_priority(json)
    if number is None and json.get("priority"):
        raise ValueError("priority")
    return UNLISTED_PRIORITY if number is None else number


def _documented_text(json: Mapping[str, Any], name: str) -> str | None:
    """A field that to-dos and calls always have, null if empty; KeyError if such a row lacks it."""
    if name not in json and (optional_text(json, "_type") or LEAD) in {LEAD, CALL}:
        raise KeyError(name)
    return optional_text(json, name)


def _due(json: Mapping[str, Any], zone: str | None) -> Due | None:
    if _is_dateless(json) or (raw := json["date"]) is None:
        return None
    if not isinstance(raw, str):
        raise TypeError("date")
    if len(raw) == len("2026-01-01"):
        return Due(date.fromisoformat(raw))
    at = datetime.fromisoformat(raw)
    return Due.instant(at if at.tzinfo else at.replace(tzinfo=UTC), zone)


def _is_dateless(json: Mapping[str, Any]) -> bool:
    """The value of `is_dateless`; if the row lacks it, whether `due_date`, the deprecated twin of `date`, is null."""
    value = json.get("is_dateless")
    if not isinstance(value, bool | None):
        raise TypeError("is_dateless")
    return value if value is not None else "due_date" in json and json["due_date"] is None


def _title(json: Mapping[str, Any]) -> str:
    """The text of a to-do or a call; for other types the label and the first detail that Close lists."""
    task_type, text = optional_text(json, "_type") or LEAD, optional_text(json, "text")
    if task_type == LEAD and "text" not in json:
        raise KeyError("text")
    if task_type in {LEAD, CALL}:
        return text or (label_of(CALL) if task_type == CALL else "")
    detail = next((found for name in _DETAILS if (found := filled_text(json.get(name)))), None)
    return f"{label_of(task_type)}: {detail}" if detail else label_of(task_type)


def _created_text(json: Mapping[str, Any]) -> str:
    """The `created_at` of the contract; empty if the row has none. ValueError if it cannot be read."""
    at = created_at(json)
    if at is None and json.get("date_created"):
        raise ValueError("date_created")
    return instant_text(at) if at else ""


def _due_fields(due: Due | None, raw: Mapping[str, Any], *, dateless: bool) -> dict[str, Any]:
    """The `date`, a day or an instant in UTC; it is not nullable, so `is_dateless` removes and restores it."""
    value = (due.at or due.day).isoformat() if due is not None else None
    if "date" in raw:
        value = None if _is_dateless(raw) else raw["date"]
    if value is None:
        return {"is_dateless": True}
    return {"date": value, "is_dateless": False} if dateless else {"date": value}


def _status(json: Mapping[str, Any]) -> Status:
    value = json["is_complete"]
    if not isinstance(value, bool):
        raise TypeError("is_complete")
    return DONE if value else OPEN


_READERS: Final[dict[str, Callable[[JsonObject], object]]] = {
    "title": _title,
    "created_at": _created_text,
    "ai_contact_id": lambda row: _documented_text(row, "contact_id"),
    "ai_customer_id": lambda row: _documented_text(row, "lead_id"),
    "priority": _priority,
    "creator_id": lambda row: optional_text(row, "created_by"),
    "responsible_ids": lambda row: filter(None, [_documented_text(row, "assigned_to")]),
    "status": _status,
    "resolution": lambda row: optional_text(row, "resolution") if "resolution" in row else MISSING,
    "task_type": lambda row: optional_text(row, "_type") or LEAD,
}
"""The fields that the row alone shows."""
