"""Between the JSON of the example CRM and the contract, both ways; pure."""

from datetime import UTC, datetime

from backends.example.client import JsonObject
from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
from taskhand.domain.field_reader import FieldReader
from taskhand.domain.task import Contact, Member, Responsible, Status, StatusChoice, Task

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
    return {_NAMES.get(field, field): _value(value) for field, value in edit.given()}


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
    fields = FieldReader()
    if not isinstance(row.get("id"), str):
        fields.unreadable.add("id")
    due = fields.read("due_at", lambda: _due(row))
    status = fields.read("status_config", lambda: STATUSES[row["status"] - 1])
    return fields.task(
        id=str(row.get("id") or ""),
        title=row.get("title"),
        description=row.get("notes"),
        due_at=due.due_at if due else None,
        due_timezone=due.zone if due else None,
        is_all_day=due is not None and due.at is None,
        created_at=fields.read(
            "created_at", lambda: datetime.fromisoformat(row["created"]).astimezone(UTC).isoformat()
        ),
        ai_contact_id=row.get("contact"),
        ai_customer_id=row.get("customer"),
        task_status_config_id=status.id if status else None,
        priority=row.get("priority"),
        creator_id=None,
        task_responsibles=fields.read("task_responsibles", lambda: _people(row)),
        status_config=status,
    )


def _due(row: JsonObject) -> Due | None:
    due = row.get("due") or {}
    return Due.read(due.get("at"), due.get("zone"), all_day=due.get("all_day", False))


def _people(row: JsonObject) -> tuple[Responsible, ...]:
    return tuple(Responsible(responsible_id=one) for one in row.get("people", ()))


def member_of(row: JsonObject) -> Member:
    """A person who can be responsible."""
    return Member(id=row["id"], name=row["name"], email=row["email"])


def contact_of(row: JsonObject) -> Contact:
    """A person outside."""
    return Contact(
        id=row["id"], name=row["name"], phone=row["phone"], email=row["email"], customer_id=row["ai_customer_id"]
    )
