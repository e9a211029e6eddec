"""The task endpoints: https://docs.vambe.me/reference/tasks/get-tasks and its neighbours."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.vambe import statuses
from taskhand.sandbox.vambe.contact import has_id
from taskhand.sandbox.vambe.dates import apply_due_fields
from taskhand.sandbox.vambe.errors import ApiError, Issue, not_found, validation_error
from taskhand.sandbox.vambe.filters import parse_list_filter, sort_tasks
from taskhand.sandbox.vambe.task import Task, render_listed_task, render_task
from taskhand.sandbox.vambe.validation import is_uuid, read_create, read_update

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taskhand.sandbox.vambe.context import RequestContext
    from taskhand.sandbox.vambe.statuses import StatusConfig


def list_tasks(ctx: RequestContext) -> list[dict[str, Any]]:
    """`GET /api/public/tasks`: a plain array, without envelope or pages."""
    window = parse_list_filter(ctx)
    tasks = ctx.store.before if ctx.is_stale else ctx.store.tasks
    matching = [task for task in tasks.values() if window.holds(task, ctx.spec_variant)]
    return [render_listed_task(task, ctx.spec_variant) for task in sort_tasks(matching, ctx.spec_variant)]


def get_task(ctx: RequestContext) -> dict[str, Any]:
    """`GET /api/public/tasks/{id}`: undocumented, so by default the route does not exist."""
    if ctx.spec_variant.get_task == "absent":
        raise ApiError(404, f"Cannot GET {ctx.request.path}")
    return render_task(_find(ctx), ctx.spec_variant)


def create_task(ctx: RequestContext) -> dict[str, Any]:
    """`POST /api/public/tasks`: answers the created task."""
    body = read_create(ctx.request, ctx.spec_variant)
    task = Task(
        id=ctx.fresh_id(),
        title=body["title"],
        created_at=ctx.now,
        status=statuses.initial_status(ctx.store.statuses),
        creator_id=ctx.store.key_owner,
    )
    task = _apply_body(task, body, ctx)
    ctx.store.put(task)
    return render_task(task, ctx.spec_variant)


def update_task(ctx: RequestContext) -> dict[str, Any]:
    """`PUT /api/public/tasks/{id}`: changes the sent fields only."""
    task_id = _task_id(ctx)
    body = read_update(ctx.request, ctx.spec_variant)
    task = _apply_body(_find_visible(ctx, task_id), body, ctx)
    ctx.store.put(task)
    return render_task(task, ctx.spec_variant)


def delete_task(ctx: RequestContext) -> dict[str, Any]:
    """`DELETE /api/public/tasks/{id}`: a soft delete; deleting again is a 404."""
    ctx.store.put(replace(_find(ctx), is_deleted=True))
    return {"status": "success"}


def _find(ctx: RequestContext) -> Task:
    return _find_visible(ctx, _task_id(ctx))


def _task_id(ctx: RequestContext) -> str:
    task_id = ctx.values["id"]
    if not is_uuid(task_id):
        raise validation_error(Issue("id", "invalid_format", "Invalid task ID format"))
    return task_id.lower()


def _find_visible(ctx: RequestContext, task_id: str) -> Task:
    task = ctx.store.tasks.get(task_id)
    if task is None or not task.is_visible:
        raise not_found("Task")
    return task


def _apply_body(task: Task, body: Mapping[str, Any], ctx: RequestContext) -> Task:
    """Apply a checked body to a task; an unknown reference is a 404."""
    if ctx.spec_variant.time_without_date == "rejected" and "dueDate" not in body and body.get("dueTime"):
        raise validation_error(Issue("dueDate", "custom", "dueDate is required with dueTime"))
    return replace(
        task,
        title=body.get("title", task.title),
        description=body.get("description", task.description),
        status=_status(task, body, ctx),
        due=apply_due_fields(task.due, body, ctx.spec_variant),
        responsible_ids=_responsibles(task, body, ctx),
        contact_id=_contact(task, body, ctx),
        customer_id=_customer(task, body, ctx),
        priority=int(body.get("priority", task.priority)),  # sent as a string, stored as an integer
    )


def _status(task: Task, body: Mapping[str, Any], ctx: RequestContext) -> StatusConfig:
    if "newStatusName" not in body and "newStatusPosition" not in body:
        return task.status
    status = statuses.find_status(ctx.store.statuses, body, ctx.spec_variant)
    if status is None:
        raise _unknown_status(ctx)
    if ctx.spec_variant.reopen == "refused" and task.status.is_finished and not status.is_finished:
        raise validation_error(Issue("newStatusName", "custom", "A finished task cannot be reopened"))
    return status


def _unknown_status(ctx: RequestContext) -> ApiError:
    errors = {
        404: not_found("Status"),
        400: validation_error(Issue("newStatusName", "invalid_value", "Unknown status")),
    }
    return errors[ctx.spec_variant.unknown_status]


def _responsibles(task: Task, body: Mapping[str, Any], ctx: RequestContext) -> tuple[str, ...]:
    if "responsibleIds" not in body:
        return task.responsible_ids
    ids = tuple(dict.fromkeys(person_id.lower() for person_id in body["responsibleIds"]))
    strict = ctx.spec_variant.inactive_responsibles == "rejected"
    known = {member.id for member in ctx.store.members if member.active or not strict}
    if not known.issuperset(ids):
        raise not_found("Responsible user")
    return ids


def _contact(task: Task, body: Mapping[str, Any], ctx: RequestContext) -> str | None:
    if body.get("aiContactId") is None:
        return task.contact_id if "aiContactId" not in body else None
    for contact in ctx.store.contacts:
        if has_id(contact, body["aiContactId"], ctx.spec_variant):
            return contact.id
    raise not_found("Contact")


def _customer(task: Task, body: Mapping[str, Any], ctx: RequestContext) -> str | None:
    # no endpoint lists customers: the contacts' customers are the known ones
    if body.get("aiCustomerId") is None:
        return task.customer_id if "aiCustomerId" not in body else None
    sent = str(body["aiCustomerId"]).lower()
    if sent not in {contact.ai_customer_id for contact in ctx.store.contacts}:
        raise not_found("Customer")
    return sent
