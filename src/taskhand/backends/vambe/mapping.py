"""Maps between Vambe's JSON and the contract, both ways.

Requests have the fields that https://docs.vambe.me/reference/tasks/update-task documents. The pages contradict each
other on responses: `priority` is 2, "2" or "high", and `due_at` is an instant or the local time with a Z (the sample
shows 15:00 in Santiago as `T15:00:00.000Z`).
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from operator import itemgetter
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import MISSING

from taskhand.backends.remote.parsing import JsonObject, full_name, id_of, text_or_none
from taskhand.domain.due import Due, due_of
from taskhand.domain.edit import Edit
from taskhand.domain.priority import PRIORITY_WORDS
from taskhand.domain.task import Contact, Member, Status, Task
from taskhand.domain.unreadable_fields import task_from

__all__ = ["DueAt", "body_of", "contact_of", "due_in", "member_of", "parse_time", "status_of", "task_of"]

DueAt = Literal["utc", "wall"]
"""The form of `due_at`: a true instant, or the local time of the task's zone with a Z."""

_PRIORITIES: Final[dict[object, int]] = {
    spelling: int(digit) for word, digit in PRIORITY_WORDS.items() for spelling in (word, digit, int(digit))
}
_PLAIN: Final = {
    "title": "title",
    "description": "description",
    "ai_contact_id": "aiContactId",
    "ai_customer_id": "aiCustomerId",
}
"""The documented names of the fields of an edit that are sent unchanged."""
_MAX_ORDER: Final = 2**53
"""Orders from here on are ignored: a JSON number may not hold them exactly (RFC 8259 §6)."""


def task_of(json: JsonObject, due_at: DueAt, zone: str | None, statuses: Mapping[str, Status]) -> Task:
    """The task of a row, with a true instant as `due_at`; its id is empty if the row has none.

    `zone` is the organisation's, `statuses` are by id. A missing field is unreadable, since Vambe writes empty fields
    as null.
    """
    readers = _READERS | {"due": lambda row: due_in(row, due_at, zone), "status": lambda row: _status(row, statuses)}
    known = {
        "due_timezone": json.get("due_timezone"),
        "task_status_config_id": json.get("task_status_config_id"),
        "creator_id": json.get("creator_id"),
    }
    return task_from(id_of(json), json, readers, known)


def status_of(json: Any) -> Status | None:
    """The status in a task's row; None if it is null or has no name."""
    if not isinstance(json, dict) or not isinstance(json.get("name"), str):
        return None
    order = json.get("order")
    return Status(
        id=text_or_none(json.get("id")),
        name=json["name"],
        color=text_or_none(json.get("color")),
        type=text_or_none(json.get("type")) or "unknown",
        order=int(order) if isinstance(order, int | float) and abs(order) < _MAX_ORDER else 0,
    )


def member_of(json: JsonObject) -> Member:
    """A member of the team (https://docs.vambe.me/reference/team-members/get-all-team-members)."""
    name = text_or_none(json.get("name")) or full_name(json, "first_name", "last_name") or json["id"]
    return Member(id=json["id"], name=name, email=text_or_none(json.get("email")))


def contact_of(json: JsonObject) -> Contact:
    """A contact (https://docs.vambe.me/reference/contact/search-contacts)."""
    return Contact(
        id=json["id"],
        name=text_or_none(json.get("name")) or "",
        phone=text_or_none(json.get("phone")),
        email=text_or_none(json.get("email")),
        customer_id=text_or_none(json.get("ai_customer_id")),
    )


def body_of(edit: Edit, before: Task | None) -> dict[str, Any]:
    """The body of a PUT for the task `before`, or of a POST (None): only the fields of `edit`.

    Raw values of the edit are not used, because Vambe accepts no value in the form of its responses.
    """
    plain = [(_PLAIN[field], value) for field, value in edit.given_fields() if field in _PLAIN]
    body: dict[str, Any] = {name: value for name, value in plain if before is not None or value is not None}
    if edit.status is not MISSING:
        by_name = edit.status.name is not None
        body |= {"newStatusName": edit.status.name} if by_name else {"newStatusPosition": edit.status.position}
    if edit.due is not MISSING:
        body |= _due_fields(edit.due, due_of(before) if before else None, new=before is None)
    if edit.responsible_ids is not MISSING:
        body["responsibleIds"] = list(edit.responsible_ids)
    if isinstance(edit.priority, int):
        body["priority"] = str(edit.priority)
    return body


def _created_at(json: JsonObject) -> str:
    """The time as Vambe writes it, or an empty text for null; ValueError for anything else."""
    value = json.get("created_at")
    if value is None:
        return ""
    if parse_time(value) is None:
        raise ValueError("created_at")
    return str(value)


def _status(json: JsonObject, statuses: Mapping[str, Status]) -> Status | None:
    """The status of a task; if the row has only an id, the known status with this id."""
    given = json.get("status_config")
    if given is None:
        return statuses.get(str(json.get("task_status_config_id")))
    if (status := status_of(given)) is None:
        raise ValueError("status_config")
    return status


def _due_fields(due: Due | None, before: Due | None, *, new: bool) -> dict[str, Any]:
    """The documented fields of date, time and zone; a datetime would be ambiguous."""
    if due is None:
        return {} if new else {"dueDate": None}
    fields: dict[str, Any] = {"dueDate": due.day.isoformat()}
    if due.local is not None:
        return fields | {"dueTime": f"{due.local:%H:%M}", "timezone": due.zone or "UTC"}
    if before is not None and before.at is not None:
        fields["dueTime"] = None
    if due.zone is not None or (before is not None and before.zone is not None):
        fields["timezone"] = due.zone
    return fields


def due_in(json: JsonObject, due_at: DueAt, default_zone: str | None) -> Due | None:
    """The due date of a row whose `due_at` has this form; None if it has none; one of ODD if it cannot be read."""
    raw = json["due_at"]
    if raw is None:
        return None
    at, zone, is_all_day = parse_time(raw), json["due_timezone"], json["is_all_day"]
    if at is None or not isinstance(zone, str | None) or not isinstance(is_all_day, bool):
        raise ValueError("due_at")
    if not isinstance(at, datetime) or is_all_day:
        return Due(_day_of(at, zone or default_zone), None, zone)
    if at.tzinfo is None or (due_at == "wall" and zone is not None):
        at = at.replace(tzinfo=ZoneInfo(zone or default_zone or "UTC"))
    return Due.instant(at, zone)


def parse_time(raw: object) -> datetime | date | None:
    """A datetime, or a date if the text has only a day; None if it is neither."""
    if not isinstance(raw, str):
        return None
    try:
        return date.fromisoformat(raw) if len(raw) == len("2026-01-01") else datetime.fromisoformat(raw)
    except ValueError:
        return None


def _day_of(at: datetime | date, zone: str | None) -> date:
    """The day of an all-day task: the written day, or the day in the zone if the instant is not midnight in UTC."""
    if not isinstance(at, datetime):
        return at
    if at.time() == time() or not zone or at.tzinfo is None:
        return at.date()
    return at.astimezone(ZoneInfo(zone)).date()


def _priority(json: JsonObject) -> int:
    value = json.get("priority")
    key = value.casefold() if isinstance(value, str) else value
    if isinstance(key, bool) or key not in _PRIORITIES:
        raise ValueError("priority")
    return _PRIORITIES[key]


def _responsible_ids(json: JsonObject) -> list[Any]:
    """The ids of the responsible people, from objects or ids; none for null."""
    value = json["task_responsibles"]
    people: list[Any] = value if isinstance(value, list) else [] if value is None else [value]
    return [person["responsible_id"] if isinstance(person, dict) else person for person in people]


_READERS: Final[dict[str, Callable[[JsonObject], object]]] = {
    "title": lambda row: "" if row["title"] is None else row["title"],
    "description": lambda row: row["description"] if row["description"] != "" else None,
    "created_at": _created_at,
    "ai_contact_id": itemgetter("ai_contact_id"),
    "ai_customer_id": itemgetter("ai_customer_id"),
    "priority": _priority,
    "responsible_ids": _responsible_ids,
}
"""The fields that the row alone shows."""
