"""The endpoints of single tasks, and their list (§2.3 to §2.6, §2.8)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.close import task_types, validation, writes
from taskhand.sandbox.close.dates import instant_of, read_moment
from taskhand.sandbox.close.edits import allowed, edited
from taskhand.sandbox.close.errors import absent, invalid
from taskhand.sandbox.close.filters import arranged, matching
from taskhand.sandbox.close.paging import paged, trimmed
from taskhand.sandbox.close.task import Task, shown

if TYPE_CHECKING:
    from taskhand.sandbox.close.context import RequestContext


def list_tasks(ctx: RequestContext) -> dict[str, Any]:
    """`GET /task/`: filtered, in order, one page (§2.3 [D])."""
    found = arranged(matching(ctx.listed_tasks, ctx), ctx)
    return paged(found, ctx, lambda task: shown(task, ctx))


def get_task(ctx: RequestContext) -> dict[str, Any]:
    """`GET /task/{id}/` (§2.5 [D]); soon after its delete a task may still be there (§2.8 [L])."""
    return trimmed(shown(_find(ctx, late=ctx.spec_variant.delete_lag), ctx), ctx)


def create_task(ctx: RequestContext) -> dict[str, Any]:
    """`POST /task/`: 200 with the whole object; without `_type` it is a `lead` (§2.4 [D, R])."""
    name = ctx.body.get("_type", task_types.LEAD)
    if name not in task_types.CREATABLE:
        raise invalid(_type=f"Value must be one of: {', '.join(task_types.CREATABLE)}.")  # words: [I]
    validation.check_create(ctx.body, name, ctx)
    born = _born(ctx, task_types.KINDS[name])
    return trimmed(shown(writes.create(ctx, edited(born, ctx.body, ctx)), ctx), ctx)


def update_task(ctx: RequestContext) -> dict[str, Any]:
    """`PUT /task/{id}/`: only what is sent changes (§1.1, §2.6 [D])."""
    task = _find(ctx)
    validation.check_update(ctx.body, ctx)
    body = allowed(task, {name: value for name, value in ctx.body.items() if name in validation.UPDATABLE}, ctx)
    return trimmed(shown(writes.change(ctx, task, edited(task, body, ctx)), ctx), ctx)


def delete_task(ctx: RequestContext) -> dict[str, Any]:
    """`DELETE /task/{id}/`: for good; a second time it is not there (§2.8 [D, L])."""
    writes.remove(ctx, _find(ctx))
    return {}


def _find(ctx: RequestContext, late: int = 0) -> Task:
    task_id = ctx.values["id"]
    task = ctx.store.tasks.get(task_id)
    if task is None and late:
        task = ctx.store.as_of(ctx.now - dt.timedelta(seconds=late)).get(task_id)
    if task is None:
        raise absent("Task")
    return task


def _born(ctx: RequestContext, kind: task_types.Kind) -> Task:
    """Make the task that the body is applied to: dateless, the key's user's (§2.4 [R])."""
    owner, sent = ctx.store.key_owner, ctx.body.get("date_created")
    made = ctx.now if sent is None else instant_of(read_moment(sent, ctx.zone, ctx.spec_variant), ctx.zone)
    return Task(
        id=ctx.store.fresh_id(kind.prefix),
        kind=kind,
        assigned_to=owner,
        date_created=made,
        date_updated=made,
        created_by=owner,
        updated_by=owner,
    )
