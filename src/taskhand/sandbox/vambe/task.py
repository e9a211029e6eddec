"""A stored task, and the documented object that represents it in responses."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.vambe.contact import render_contact_id
from taskhand.sandbox.vambe.dates import UNDATED, LocalDue, format_instant, render_due_at

if TYPE_CHECKING:
    import datetime as dt

    from taskhand.sandbox.vambe.spec_variant import SpecVariant
    from taskhand.sandbox.vambe.statuses import StatusConfig

PRIORITY_WORDS = ("low", "medium", "high")


@dataclass(frozen=True)
class Task:
    """One stored task. Deletes are soft: a deleted task stays stored."""

    id: str
    title: str
    created_at: dt.datetime
    status: StatusConfig
    creator_id: str
    description: str | None = None
    due: LocalDue = UNDATED
    responsible_ids: tuple[str, ...] = ()
    contact_id: str | None = None
    customer_id: str | None = None
    priority: int = 0
    is_deleted: bool = False
    is_foreign: bool = False  # belongs to another organisation, so the key cannot see it

    @property
    def is_visible(self) -> bool:
        """Whether the API shows the task."""
        return not self.is_deleted and not self.is_foreign


def render_task(task: Task, spec_variant: SpecVariant) -> dict[str, Any]:
    """Write the object documented at https://docs.vambe.me/reference/tasks/update-task."""
    return {
        "id": task.id,
        "title": task.title,
        "description": "" if task.description is None and spec_variant.description == "empty" else task.description,
        "due_timezone": task.due.zone,
        "due_at": render_due_at(task.due, spec_variant),
        "is_all_day": task.due.is_all_day,
        "created_at": format_instant(task.created_at),
        "ai_contact_id": render_contact_id(task.contact_id, spec_variant),
        "ai_customer_id": task.customer_id,
        "task_status_config_id": task.status.id,
        "priority": task.priority,
        "creator_id": task.creator_id,
        "task_responsibles": [{"responsible_id": who} for who in task.responsible_ids],
        "status_config": asdict(task.status) if spec_variant.status_config == "object" else None,
    }


def render_listed_task(task: Task, spec_variant: SpecVariant) -> dict[str, Any]:
    """Write the object of a list, in which the form of `priority` depends on the spec variant."""
    forms = {"int": task.priority, "digit": str(task.priority), "word": PRIORITY_WORDS[task.priority]}
    return render_task(task, spec_variant) | {"priority": forms[spec_variant.list_priority]}
