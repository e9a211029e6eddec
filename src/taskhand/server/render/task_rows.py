"""A task as a row: in a list, and in the answer of a write; pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from pydantic import MISSING, ConfigDict

from taskhand.domain.due import due_of
from taskhand.domain.task import Task, or_none
from taskhand.domain.task_times import UNKNOWN, TaskTimes
from taskhand.domain.truncation import truncate
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


class _Source(NamedTuple):
    """What a row is made of."""

    task: Task
    wording: "Wording"
    is_overdue: bool
    times: TaskTimes


_VALUES: Final[Mapping[RowField, Callable[[_Source], object]]] = {
    "title": lambda row: truncate(row.task.title or "", _TITLE),
    "status": lambda row: truncate(row.task.status_config.name, _NAME) if row.task.status_config else None,
    "due": lambda row: row.wording.due(due_of(row.task)),
    "priority": lambda row: row.task.shown_priority,
    "responsibles": lambda row: row.wording.people(row.task.responsible_ids),
    "overdue": lambda row: row.is_overdue,
    "description": lambda row: truncate(row.task.description, _SNIPPET) if row.task.description else None,
    "created_at": lambda row: row.task.created_at or "",
    "updated": lambda row: row.wording.moment(row.times.updated),
    "completed": lambda row: row.wording.moment(row.times.completed),
    "completed_by": lambda row: next(iter(row.wording.people(filter(None, (row.times.completed_by,)))), None),
    "ai_contact_id": lambda row: row.task.ai_contact_id,
    "ai_customer_id": lambda row: row.task.ai_customer_id,
    "task_type": lambda row: row.task.task_type,
    "deal_id": lambda row: row.task.deal_id,
    "resolution": lambda row: or_none(row.task.resolution),
    "url": lambda row: row.task.url,
}


def render_row(
    task: Task,
    wording: "Wording",
    shown: Sequence[RowField] = ROW,
    *,
    is_overdue: bool = False,
    times: TaskTimes = UNKNOWN,
) -> Row:
    """The row of a task."""
    source = _Source(task, wording, is_overdue, times)
    return Row.model_validate({"id": task.id} | {field: _VALUES[field](source) for field in shown})


def describe_unreadable(task: Task) -> str | None:
    """The note that fields of the row are empty because they cannot be read; None if all can be read."""
    fields = task.unreadable_fields
    unread = fields and ", ".join(shown for field, shown in _SHOWN_AS.items() if field in fields)
    return f"The CRM has these in a form that cannot be read, so they are empty here: {unread}." if unread else None
