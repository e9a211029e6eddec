"""A task as a row: in a list, and in the answer of a write; pure."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import MISSING, ConfigDict

from taskhand.domain.display_text import truncate
from taskhand.domain.due import due_of
from taskhand.domain.task import Task
from taskhand.domain.task_times import UNKNOWN, TaskTimes
from taskhand.server.render.answer import Answer

if TYPE_CHECKING:
    from taskhand.domain.wording import Wording

__all__ = ["ROW", "Row", "RowField", "describe_unreadable", "render_row"]

_TITLE, _NAME, _SNIPPET = 100, 60, 200

RowField = Literal[
    "title",
    "status",
    "due",
    "priority",
    "responsibles",
    "overdue",
    "description",
    "created_at",
    "updated",
    "completed",
    "completed_by",
    "ai_contact_id",
    "ai_customer_id",
    "task_type",
    "deal_id",
    "resolution",
    "url",
]
ROW: tuple[RowField, ...] = ("title", "status", "due", "priority", "responsibles")
"""The default fields of a row."""

_SHOWN_AS: Mapping[str, RowField] = {
    "title": "title",
    "status_config": "status",
    "due_at": "due",
    "priority": "priority",
    "task_responsibles": "responsibles",
}


class Row(Answer):
    """A task, with the requested fields; `connection` if the rows are of several."""

    model_config = ConfigDict(alias_generator=None)

    id: str
    connection: str | MISSING = MISSING
    title: str | MISSING = MISSING
    status: str | None | MISSING = MISSING
    due: str | None | MISSING = MISSING
    priority: int | None | MISSING = MISSING
    responsibles: tuple[str, ...] | MISSING = MISSING
    overdue: bool | MISSING = MISSING
    description: str | None | MISSING = MISSING
    created_at: str | MISSING = MISSING
    updated: str | None | MISSING = MISSING
    completed: str | None | MISSING = MISSING
    completed_by: str | None | MISSING = MISSING
    ai_contact_id: str | None | MISSING = MISSING
    ai_customer_id: str | None | MISSING = MISSING
    task_type: str | None | MISSING = MISSING
    deal_id: str | None | MISSING = MISSING
    resolution: str | None | MISSING = MISSING
    url: str | None | MISSING = MISSING


def render_row(
    task: Task,
    wording: "Wording",
    shown: Sequence[RowField] = ROW,
    *,
    is_overdue: bool = False,
    times: TaskTimes = UNKNOWN,
) -> Row:
    """The row of a task."""
    everything: dict[RowField, object] = {
        "title": truncate(task.title or "", _TITLE),
        "status": truncate(task.status_config.name, _NAME) if task.status_config else None,
        "due": wording.due(due_of(task)),
        "priority": task.shown_priority,
        "responsibles": wording.people(task.responsible_ids),
        "overdue": is_overdue,
        "description": truncate(task.description, _SNIPPET) if task.description else None,
        "created_at": task.created_at or "",
        "updated": wording.moment(times.updated),
        "completed": wording.moment(times.completed),
        "completed_by": next(iter(wording.people(filter(None, (times.completed_by,)))), None),
        "ai_contact_id": task.ai_contact_id,
        "ai_customer_id": task.ai_customer_id,
        "task_type": task.task_type,
        "deal_id": task.deal_id,
        "resolution": None if task.resolution is MISSING else task.resolution,
        "url": task.url,
    }
    return Row.model_validate({"id": task.id} | {field: everything[field] for field in shown})


def describe_unreadable(task: Task) -> str | None:
    """The note that fields of the row are empty because they cannot be read; None if all can be read."""
    unread = ", ".join(shown for field, shown in _SHOWN_AS.items() if field in task.unreadable_fields)
    return f"The CRM has these in a form that cannot be read, so they are empty here: {unread}." if unread else None
