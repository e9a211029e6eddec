"""Conversion between rows of the store and values of the contract; pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pydantic import MISSING

from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
from taskhand.domain.name_matching import fold
from taskhand.domain.task import Contact, Member, Responsible, Status, Task
from taskhand.domain.task_query import NO_DUE
from taskhand.domain.task_times import TaskTimes
from taskhand.domain.unreadable_fields import task_from
from taskhand.sql.connection import SqlRow

__all__ = [
    "COMPLETION",
    "TASK_COLUMNS",
    "searchable",
    "to_columns",
    "to_contact",
    "to_member",
    "to_status",
    "to_task",
    "to_times",
]

COMPLETION = ("completed_at", "completed_by")
"""The columns for the time and the member of a task's completion: the store's native values of a task."""

TASK_COLUMNS = (
    *("id", "title", "description", "due_timezone", "due_at", "is_all_day", "created_at", "updated_at", *COMPLETION),
    *("ai_contact_id", "ai_customer_id", "status_id", "priority", "creator_id"),
)
"""The columns of a task that `to_task` and `to_times` read."""

_PLAIN = ("title", "description", "ai_contact_id", "ai_customer_id", "priority")
"""Edit fields that are stored unchanged in the column of the same name."""


def to_status(row: SqlRow) -> Status:
    """The status of a row."""
    return Status(id=row["id"], name=row["name"], color=row["color"], type=row["type"], order=row["position"])


def to_member(row: SqlRow) -> Member:
    """The member of a row."""
    return Member(id=row["id"], name=row["name"], email=row["email"])


def to_contact(row: SqlRow) -> Contact:
    """The contact of a row."""
    return Contact(
        id=row["id"], name=row["name"], phone=row["phone"], email=row["email"], customer_id=row["customer_id"]
    )


def to_task(row: Mapping[str, Any], people: Iterable[str]) -> Task:
    """The task of a row that is joined with its status; `url` is null, because the store has no web app."""
    status = Status(
        id=row["status_id"],
        name=row["status_name"],
        color=row["status_color"],
        type=row["status_type"],
        order=row["status_position"],
    )
    known = {
        "title": row["title"],
        "description": row["description"],
        "due_timezone": row["due_timezone"],
        "is_all_day": bool(row["is_all_day"]),
        "created_at": row["created_at"],
        "ai_contact_id": row["ai_contact_id"],
        "ai_customer_id": row["ai_customer_id"],
        "priority": row["priority"],
        "creator_id": row["creator_id"],
        "task_status_config_id": row["status_id"],
        "task_responsibles": tuple(Responsible(responsible_id=person) for person in people),
        "status_config": status,
    }
    return task_from(row["id"], row, {"due_at": _read_due_at}, known)


def _read_due_at(row: Mapping[str, Any]) -> str | None:
    """The `due_at` of a row; ValueError if another program wrote one that cannot be read."""
    due_at: str | None = row["due_at"]
    Due.read(due_at, row["due_timezone"], all_day=bool(row["is_all_day"]))
    return due_at


def to_times(row: Mapping[str, Any]) -> TaskTimes:
    """The times of the row's task."""
    return TaskTimes(_moment(row["updated_at"]), _moment(row["completed_at"]), row["completed_by"])


def to_columns(edit: Edit) -> dict[str, object]:
    """The columns of the task table that an edit sets; responsible people are rows of another table."""
    given = dict(edit.given_fields())
    values = {name: given[name] for name in _PLAIN if name in given}
    if edit.due is not MISSING:
        values |= _due_columns(edit.due)
    if edit.status is not MISSING:
        values["status_id"] = edit.status.id
    return values


def searchable(title: str, description: str | None) -> str:
    """The folded text that text search reads."""
    return fold(f"{title} {description or ''}")


def _moment(text: str | None) -> datetime | None:
    """A stored instant; None if another program wrote an invalid one."""
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return at if at.tzinfo else None


def _due_columns(due: Due | None) -> dict[str, object]:
    if due is None:
        return {"due_at": None, "due_timezone": None, "is_all_day": 0, "due_key": NO_DUE}
    return {"due_at": due.due_at, "due_timezone": due.zone, "is_all_day": int(due.at is None), "due_key": due.key}
