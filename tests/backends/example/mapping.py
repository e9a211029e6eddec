"""Between the JSON of the example CRM and the contract, both ways; pure."""

from datetime import UTC, datetime

from backends.example.client import JsonObject
from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
from taskhand.domain.task import Contact, Member, Status, StatusChoice, Task
from taskhand.domain.unreadable_fields import Readers, task_from

__all__ = ["STATUSES", "contact_of", "member_of", "task_body", "task_of"]

STATUSES = tuple(
    Status(id=str(order), name=name, color=None, type=kind, order=order)
    for order, (name, kind) in enumerate(
        [("Pendiente", "initial"), ("En Progreso", "in_progress"), ("Completado", "done")], start=1
    )
)
_NAMES = {
    "description": "notes",
    "responsible_ids": "people",
    "ai_contact_id": "contact",
    "ai_customer_id": "customer",
}
"""Fields of an edit whose names differ in Example."""


def task_body(edit: Edit) -> JsonObject:
    """The body of a POST or PATCH: the fields that an edit sets, and no others."""
    return {_NAMES.get(field, field): _value(value) for field, value in edit.given_fields()}


def _value(value: object) -> object:
    match value:
        case Due():
            return {"at": value.due_at, "zone": value.zone, "all_day": value.at is None}
        case StatusChoice():
            return next(status.order for status in STATUSES if value.met_by(status))
        case tuple():
            return list(value)
        case _:
            return value


def task_of(row: JsonObject) -> Task:
    """A task, its unreadable fields named; its id is empty where the row has none."""
    plain = {
        "title": row.get("title"),
        "description": row.get("notes"),
        "ai_contact_id": row.get("contact"),
        "ai_customer_id": row.get("customer"),
        "priority": row.get("priority"),
    }
    return task_from(row["id"] if isinstance(row.get("id"), str) else "", row, _READERS, plain)


def _due(row: JsonObject) -> Due | None:
    due = row.get("due") or {}
    return Due.read(due.get("at"), due.get("zone"), all_day=due.get("all_day", False))


_READERS: Readers[JsonObject] = {
    "due": _due,
    "created_at": lambda row: datetime.fromisoformat(row["created"]).astimezone(UTC).isoformat(),
    "responsible_ids": lambda row: row.get("people", ()),
    "status": lambda row: STATUSES[row["status"] - 1],
}


def member_of(row: JsonObject) -> Member:
    """A person who can be responsible."""
    return Member(id=row["id"], name=row["name"], email=row["email"])


def contact_of(row: JsonObject) -> Contact:
    """A person outside."""
    return Contact(
        id=row["id"], name=row["name"], phone=row["phone"], email=row["email"], customer_id=row["ai_customer_id"]
    )
