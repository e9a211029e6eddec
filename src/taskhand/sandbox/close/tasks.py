"""The task endpoints: https://developer.close.com/api/resources/tasks."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.close import task_types, validation, writes
from taskhand.sandbox.close.dates import parse_date, to_instant
from taskhand.sandbox.close.edits import apply_edit, changeable_fields
from taskhand.sandbox.close.errors import not_found, validation_error
from taskhand.sandbox.close.filters import filter_tasks, sort_tasks
from taskhand.sandbox.close.paging import render_page, select_fields
from taskhand.sandbox.close.task import Task, render_task

if TYPE_CHECKING:
    from taskhand.sandbox.close.context import RequestContext


def list_tasks(ctx: RequestContext) -> dict[str, Any]:
    """`GET /task/`: a page of the filtered and sorted tasks."""
    found = sort_tasks(filter_tasks(ctx.listed_tasks, ctx), ctx)
    return render_page(found, ctx, lambda task: render_task(task, ctx))


def get_task(ctx: RequestContext) -> dict[str, Any]:
    """`GET /task/{id}/`: also a deleted task for the seconds of `delete_lag`."""
    return select_fields(render_task(_find(ctx, late=ctx.spec_variant.delete_lag), ctx), ctx)


def create_task(ctx: RequestContext) -> dict[str, Any]:
    """`POST /task/`: answers 200 with the object; the default `_type` is `lead`."""
    name = ctx.body.get("_type", task_types.LEAD)
    if name not in task_types.CREATABLE:
        raise validation_error(_type=f"Value must be one of: {', '.join(task_types.CREATABLE)}.")
    validation.check_create(ctx.body, name, ctx)
    draft = _draft(ctx, task_types.TASK_TYPES[name])
    return select_fields(render_task(writes.add_task(ctx, apply_edit(draft, ctx.body, ctx)), ctx), ctx)


def update_task(ctx: RequestContext) -> dict[str, Any]:
    """`PUT /task/{id}/`: changes the sent fields only."""
    task = _find(ctx)
    validation.check_update(ctx.body, ctx)
    body = changeable_fields(
        task, {name: value for name, value in ctx.body.items() if name in validation.UPDATABLE}, ctx
    )
    return select_fields(render_task(writes.change(ctx, task, apply_edit(task, body, ctx)), ctx), ctx)


def delete_task(ctx: RequestContext) -> dict[str, Any]:
    """`DELETE /task/{id}/`: deletes for good; deleting again is a 404."""
    writes.remove(ctx, _find(ctx))
    return {}


def _find(ctx: RequestContext, late: int = 0) -> Task:
    task_id = ctx.values["id"]
    task = ctx.store.tasks.get(task_id)
    if task is None and late:
        task = ctx.store.as_of(ctx.now - dt.timedelta(seconds=late)).get(task_id)
    if task is None:
        raise not_found("Task")
    return task


def _draft(ctx: RequestContext, task_type: task_types.TaskType) -> Task:
    """Make the task to which the body is applied: dateless, assigned to the caller."""
    owner, sent = ctx.user_id, ctx.body.get("date_created")
    made = ctx.now if sent is None else to_instant(parse_date(sent, ctx.zone, ctx.spec_variant), ctx.zone)
    return Task(
        id=ctx.store.fresh_id(task_type.prefix),
        type=task_type,
        assigned_to=owner,
        date_created=made,
        date_updated=made,
        created_by=owner,
        updated_by=owner,
    )
