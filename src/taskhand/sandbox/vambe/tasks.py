"""The task endpoints: list, create, update, delete."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.vambe import dates, statuses
from taskhand.sandbox.vambe.contact import has_id
from taskhand.sandbox.vambe.errors import ApiError, Issue, not_found, validation_error
from taskhand.sandbox.vambe.filters import read_window, sort_tasks
from taskhand.sandbox.vambe.task import Task, render_listed_task, render_task
from taskhand.sandbox.vambe.validation import is_uuid, read_create, read_update

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taskhand.sandbox.vambe.context import RequestContext
    from taskhand.sandbox.vambe.statuses import Status


def list_tasks(ctx: RequestContext) -> list[dict[str, Any]]:
    """`GET /api/public/tasks`: a plain array, no envelope, no pages."""
    window = read_window(ctx)
    tasks = ctx.store.before if ctx.is_stale else ctx.store.tasks
    held = [task for task in tasks.values() if window.holds(task, ctx.spec_variant)]
    return [render_listed_task(task, ctx.spec_variant) for task in sort_tasks(held, ctx.spec_variant)]


def get_task(ctx: RequestContext) -> dict[str, Any]:
    """`GET /api/public/tasks/{id}`: no page was found, so by default there is no such route."""
    if ctx.spec_variant.get_task == "absent":
        raise ApiError(404, f"Cannot GET {ctx.request.path}")
    return render_task(_find(ctx), ctx.spec_variant)


def create_task(ctx: RequestContext) -> dict[str, Any]:
    """`POST /api/public/tasks`: the created task, with the first initial status."""
    body = read_create(ctx.request, ctx.spec_variant)
    task = Task(
        id=ctx.fresh_id(),
        title=body["title"],
        created_at=ctx.now,
        status=statuses.initial_status(ctx.store.statuses),  # no field sets it
        creator_id=ctx.store.key_owner,  # the key resolves to a user
    )
    task = _applied(task, body, ctx)
    ctx.store.put(task)
    return render_task(task, ctx.spec_variant)


def update_task(ctx: RequestContext) -> dict[str, Any]:
    """`PUT /api/public/tasks/{id}`: only the fields sent change."""
    task_id = _task_id(ctx)
    body = read_update(ctx.request, ctx.spec_variant)
    task = _applied(_visible(ctx, task_id), body, ctx)
    ctx.store.put(task)
    return render_task(task, ctx.spec_variant)


def delete_task(ctx: RequestContext) -> dict[str, Any]:
    """`DELETE /api/public/tasks/{id}`: soft; a second time it is not there."""
    ctx.store.put(replace(_find(ctx), is_deleted=True))
    return {"status": "success"}


def _find(ctx: RequestContext) -> Task:
    return _visible(ctx, _task_id(ctx))


def _task_id(ctx: RequestContext) -> str:
    task_id = ctx.values["id"]
    if not is_uuid(task_id):  # 400 for an invalid id format
        raise validation_error(Issue("id", "invalid_format", "Invalid task ID format"))
    return task_id.lower()


def _visible(ctx: RequestContext, task_id: str) -> Task:
    task = ctx.store.tasks.get(task_id)
    if task is None or not task.is_visible:  # 404, also for another organisation's or a deleted one
        raise not_found("Task")
    return task


def _applied(task: Task, body: Mapping[str, Any], ctx: RequestContext) -> Task:
    """Apply a checked body to a task; references that do not hold are refused."""
    if ctx.spec_variant.time_without_date == "rejected" and "dueDate" not in body and body.get("dueTime"):
        raise validation_error(Issue("dueDate", "custom", "dueDate is required with dueTime"))
    return replace(
        task,
        title=body.get("title", task.title),
        description=body.get("description", task.description),
        status=_status(task, body, ctx),
        due=dates.apply_due_fields(task.due, body, ctx.spec_variant),
        responsible_ids=_responsibles(task, body, ctx),
        contact_id=_contact(task, body, ctx),
        customer_id=_customer(task, body, ctx),
        priority=int(body.get("priority", task.priority)),  # sent as a string, kept as an integer
    )


def _status(task: Task, body: Mapping[str, Any], ctx: RequestContext) -> Status:
    if "newStatusName" not in body and "newStatusPosition" not in body:
        return task.status
    status = statuses.find_status(ctx.store.statuses, body, ctx.spec_variant)
    if status is None:  # an invalid reference, or an invalid body
        raise _unknown_status(ctx)
    if ctx.spec_variant.reopen == "refused" and task.status.is_finished and not status.is_finished:
        raise validation_error(Issue("newStatusName", "custom", "A finished task cannot be reopened"))
    return status


def _unknown_status(ctx: RequestContext) -> ApiError:
    refusals = {
        404: not_found("Status"),
        400: validation_error(Issue("newStatusName", "invalid_value", "Unknown status")),
    }
    return refusals[ctx.spec_variant.unknown_status]


def _responsibles(task: Task, body: Mapping[str, Any], ctx: RequestContext) -> tuple[str, ...]:
    # replaces all assignees; each a valid user of the organisation, else 404
    if "responsibleIds" not in body:
        return task.responsible_ids
    ids = tuple(dict.fromkeys(who.lower() for who in body["responsibleIds"]))
    strict = ctx.spec_variant.inactive_responsibles == "rejected"
    known = {member.id for member in ctx.store.members if member.active or not strict}
    if not known.issuperset(ids):
        raise not_found("Responsible user")
    return ids


def _contact(task: Task, body: Mapping[str, Any], ctx: RequestContext) -> str | None:
    # null unlinks; one that does not exist is an invalid reference, 404
    if body.get("aiContactId") is None:
        return task.contact_id if "aiContactId" not in body else None
    for contact in ctx.store.contacts:
        if has_id(body["aiContactId"], contact, ctx.spec_variant):
            return contact.id
    raise not_found("Contact")


def _customer(task: Task, body: Mapping[str, Any], ctx: RequestContext) -> str | None:
    # a customer is known by its contacts alone
    if body.get("aiCustomerId") is None:
        return task.customer_id if "aiCustomerId" not in body else None
    sent = str(body["aiCustomerId"]).lower()
    if sent not in {contact.ai_customer_id for contact in ctx.store.contacts}:
        raise not_found("Customer")
    return sent
