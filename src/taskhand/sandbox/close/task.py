"""A stored task, and the object documented at https://developer.close.com/api/resources/tasks."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.close import task_types
from taskhand.sandbox.close.dates import date_text, format_instant, to_day, to_instant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taskhand.sandbox.close.context import RequestContext
    from taskhand.sandbox.close.store import Store


@dataclass(frozen=True)
class Task:
    """One stored task; `date` is None for a dateless task, a `datetime` for an instant, a `date` for a whole day."""

    id: str
    type: task_types.TaskType
    assigned_to: str
    date_created: dt.datetime
    date_updated: dt.datetime
    date: dt.date | None = None
    text: str | None = None
    lead_id: str | None = None
    contact_id: str | None = None
    is_complete: bool = False
    priority: str = "medium"  # the default of Close's MCP server, https://developer.close.com/mcp
    created_by: str | None = None
    updated_by: str | None = None
    object_type: str | None = None
    object_id: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


def visible_date(task: Task, ctx: RequestContext) -> dt.date | None:
    """Return the `date` in responses and filters; for a dateless task, the day of its creation (recorded)."""
    if task.date is None and ctx.spec_variant.dateless_date == "day":
        return to_day(task.date_created, ctx.zone)
    return task.date


def view_of(task: Task, ctx: RequestContext) -> str:
    """Return the view: archive if complete, future if due after the caller's day, else inbox, even if dateless."""
    if task.is_complete:
        return "archive"
    tomorrow = ctx.today + dt.timedelta(days=1)
    later = task.date is not None and to_instant(task.date, ctx.zone) >= to_instant(tomorrow, ctx.zone)
    return "future" if later else "inbox"


def render_task(task: Task, ctx: RequestContext) -> dict[str, Any]:
    """Write the task object."""
    store = ctx.store
    return {
        "_type": task.type.name,
        "id": task.id,
        "organization_id": store.organization.id,
        "date": _text(visible_date(task, ctx)),
        "is_complete": task.is_complete,
        "view": view_of(task, ctx),
        "assigned_to": task.assigned_to,
        "assigned_to_name": store.user_name(task.assigned_to),
        **_links(task, store),
        "created_by": task.created_by,
        "created_by_name": store.user_name(task.created_by),
        "updated_by": task.updated_by,
        "updated_by_name": store.user_name(task.updated_by),
        "date_created": format_instant(task.date_created),
        "date_updated": format_instant(task.date_updated),
        **_optional(task, ctx),
        **{name: task.extra.get(name) for name in task.type.extra},
    }


def _links(task: Task, store: Store) -> dict[str, Any]:
    lead = store.leads.get(task.lead_id or "")
    contact = store.contacts.get(task.contact_id or "")
    return {
        "lead_id": task.lead_id,
        "lead_name": lead.name if lead else None,
        "contact_id": task.contact_id,
        "contact_name": contact.name if contact else None,
        "object_type": task.object_type,
        "object_id": task.object_id,
    }


def _optional(task: Task, ctx: RequestContext) -> dict[str, Any]:
    """Write the fields that depend on the type and the spec variant."""
    fields: dict[str, Any] = {}
    if task.type.name in task_types.WITH_TEXT:
        fields["text"] = task.text
    if ctx.spec_variant.due_date == "shown":  # like `date`, but null for a dateless task
        fields["due_date"] = _text(task.date)
    if task.type.can_be_dateless:
        fields["is_dateless"] = task.date is None
    if task.type.name == task_types.LEAD:
        fields |= {"deduplication_key": None, "is_primary_lead_notification": True}
        if ctx.spec_variant.priority == "shown":
            fields["priority"] = task.priority
    return fields


def _text(date: dt.date | None) -> str | None:
    return None if date is None else date_text(date)
