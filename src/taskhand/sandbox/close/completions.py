"""The TaskCompleted activity, which records the user and the time of a completion."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.close.date_range import DateRange
from taskhand.sandbox.close.dates import format_instant
from taskhand.sandbox.close.errors import not_found
from taskhand.sandbox.close.paging import render_page, select_fields

if TYPE_CHECKING:
    import datetime as dt

    from taskhand.sandbox.close.context import RequestContext
    from taskhand.sandbox.close.task import Task

OBJECT = "activity.task_completed"
LISTS = ("id__in", "lead_id", "contact_id", "user_id")  # comma-separated


@dataclass(frozen=True)
class Completion:
    """One activity of type TaskCompleted."""

    id: str
    task_id: str
    task_text: str | None
    task_assigned_to: str
    lead_id: str | None
    contact_id: str | None
    user_id: str
    at: dt.datetime


def record_completion(ctx: RequestContext, task: Task) -> Completion:
    """Store a completion of the task by the caller, now."""
    made = Completion(
        id=ctx.store.fresh_id("acti"),
        task_id=task.id,
        task_text=task.text,
        task_assigned_to=task.assigned_to,
        lead_id=task.lead_id,
        contact_id=task.contact_id,
        user_id=ctx.user_id,
        at=ctx.now,
    )
    ctx.store.completions[made.id] = made
    return made


def list_completions(ctx: RequestContext) -> dict[str, Any]:
    """`GET /activity/task_completed/`: latest first (assumed)."""
    spans = [DateRange.read(ctx, name) for name in ("date_created", "activity_at")]
    wanted = {name: ctx.params[name].split(",") for name in LISTS if ctx.params.get(name)}
    found = [
        made
        for made in reversed(ctx.store.completions.values())
        if all(getattr(made, name.removesuffix("__in")) in ids for name, ids in wanted.items())
        and all(span.contains(made.at) for span in spans)
    ]
    return render_page(found, ctx, lambda made: render_completion(made, ctx))


def get_completion(ctx: RequestContext) -> dict[str, Any]:
    """`GET /activity/task_completed/{id}/`."""
    return select_fields(render_completion(_find(ctx), ctx), ctx)


def delete_completion(ctx: RequestContext) -> dict[str, Any]:
    """`DELETE /activity/task_completed/{id}/`: removes the activity; the task is assumed to stay complete."""
    made = _find(ctx)
    del ctx.store.completions[made.id]
    task = ctx.store.tasks.get(made.task_id)
    if task is not None and task.object_id == made.id:
        ctx.store.put(replace(task, object_type=None, object_id=None))
    return {}


def render_completion(made: Completion, ctx: RequestContext) -> dict[str, Any]:
    """Write the documented activity object."""
    at, who = format_instant(made.at), ctx.store.user_name(made.user_id)
    return {
        "_type": "TaskCompleted",
        "id": made.id,
        "organization_id": ctx.store.organization.id,
        "task_id": made.task_id,
        "task_text": made.task_text,
        "task_assigned_to": made.task_assigned_to,
        "task_assigned_to_name": ctx.store.user_name(made.task_assigned_to),
        "lead_id": made.lead_id,
        "contact_id": made.contact_id,
        "user_id": made.user_id,
        "user_name": who,
        "activity_at": at,
        "date_created": at,
        "date_updated": at,
        "created_by": made.user_id,
        "created_by_name": who,
        "updated_by": made.user_id,
        "updated_by_name": who,
        "users": [],
    }


def _find(ctx: RequestContext) -> Completion:
    made = ctx.store.completions.get(ctx.values["id"])
    if made is None:
        raise not_found("TaskCompleted")
    return made
