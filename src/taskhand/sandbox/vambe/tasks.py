"""The task endpoints (§2): list, create, update, delete."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.vambe import dates, statuses
from taskhand.sandbox.vambe.contact import same_id
from taskhand.sandbox.vambe.errors import Issue, RefusedError, invalid, missing
from taskhand.sandbox.vambe.filters import arranged, read_window
from taskhand.sandbox.vambe.task import Task, listed, shown
from taskhand.sandbox.vambe.validation import is_uuid, read_create, read_update

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taskhand.sandbox.vambe.context import Desk
    from taskhand.sandbox.vambe.statuses import Status


def list_tasks(desk: Desk) -> list[dict[str, Any]]:
    """`GET /api/public/tasks`: a plain array, no envelope, no pages (§2.2 [D])."""
    window = read_window(desk)
    tasks = desk.store.before if desk.is_stale else desk.store.tasks
    held = [task for task in tasks.values() if window.holds(task, desk.reading)]
    return [listed(task, desk.reading) for task in arranged(held, desk.reading)]


def get_task(desk: Desk) -> dict[str, Any]:
    """`GET /api/public/tasks/{id}`: no page was found (§2 [?]), so by default there is no such route."""
    if desk.reading.get_task == "absent":
        raise RefusedError(404, f"Cannot GET {desk.call.path}")
    return shown(_find(desk), desk.reading)


def create_task(desk: Desk) -> dict[str, Any]:
    """`POST /api/public/tasks`: the created task, with the first initial status (§2.3)."""
    body = read_create(desk.call, desk.reading)
    task = Task(
        id=desk.fresh_id(),
        title=body["title"],
        created_at=desk.now,
        status=statuses.first(desk.store.statuses),  # §2.3 [I]: no field sets it
        creator_id=desk.store.key_owner,  # §1.2 [I]: the key resolves to a user
    )
    task = _applied(task, body, desk)
    desk.store.put(task)
    return shown(task, desk.reading)


def update_task(desk: Desk) -> dict[str, Any]:
    """`PUT /api/public/tasks/{id}`: only the fields sent change (§2.4 [D])."""
    task_id = _task_id(desk)
    body = read_update(desk.call, desk.reading)
    task = _applied(_visible(desk, task_id), body, desk)
    desk.store.put(task)
    return shown(task, desk.reading)


def delete_task(desk: Desk) -> dict[str, Any]:
    """`DELETE /api/public/tasks/{id}`: soft; a second time it is not there (§2.5 [D])."""
    desk.store.put(replace(_find(desk), is_deleted=True))
    return {"status": "success"}


def _find(desk: Desk) -> Task:
    return _visible(desk, _task_id(desk))


def _task_id(desk: Desk) -> str:
    task_id = desk.values["id"]
    if not is_uuid(task_id):  # §1.3 [D]: 400 for an invalid id format
        raise invalid(Issue("id", "invalid_format", "Invalid task ID format"))
    return task_id.lower()


def _visible(desk: Desk, task_id: str) -> Task:
    task = desk.store.tasks.get(task_id)
    if task is None or not task.is_visible:  # §1.3 [D]: 404, also for another organisation's or a deleted one
        raise missing("Task")
    return task


def _applied(task: Task, body: Mapping[str, Any], desk: Desk) -> Task:
    """Apply a checked body to a task; references that do not hold are refused."""
    if desk.reading.time_without_date == "rejected" and "dueDate" not in body and body.get("dueTime"):
        raise invalid(Issue("dueDate", "custom", "dueDate is required with dueTime"))  # §2.4 [?]
    return replace(
        task,
        title=body.get("title", task.title),
        description=body.get("description", task.description),
        status=_status(task, body, desk),
        due=dates.changed(task.due, body, desk.reading),
        responsible_ids=_responsibles(task, body, desk),
        contact_id=_contact(task, body, desk),
        customer_id=_customer(task, body, desk),
        priority=int(body.get("priority", task.priority)),  # §2.4 [D]: sent as a string, kept as an integer
    )


def _status(task: Task, body: Mapping[str, Any], desk: Desk) -> Status:
    if "newStatusName" not in body and "newStatusPosition" not in body:
        return task.status
    status = statuses.wanted(desk.store.statuses, body, desk.reading)
    if status is None:  # §2.4 [?]: an invalid reference, or an invalid body
        raise _unknown_status(desk)
    if desk.reading.reopen == "refused" and task.status.is_finished and not status.is_finished:  # §2.4 [?]
        raise invalid(Issue("newStatusName", "custom", "A finished task cannot be reopened"))
    return status


def _unknown_status(desk: Desk) -> RefusedError:
    refusals = {404: missing("Status"), 400: invalid(Issue("newStatusName", "invalid_value", "Unknown status"))}
    return refusals[desk.reading.unknown_status]


def _responsibles(task: Task, body: Mapping[str, Any], desk: Desk) -> tuple[str, ...]:
    # §2.4 [D]: replaces all assignees; each a valid user of the organisation, else 404 (§1.3 [D])
    if "responsibleIds" not in body:
        return task.responsible_ids
    ids = tuple(dict.fromkeys(who.lower() for who in body["responsibleIds"]))
    strict = desk.reading.inactive_responsibles == "rejected"
    known = {member.id for member in desk.store.members if member.active or not strict}
    if not known.issuperset(ids):
        raise missing("Responsible user")
    return ids


def _contact(task: Task, body: Mapping[str, Any], desk: Desk) -> str | None:
    # §2.4: null unlinks ([I]); one that does not exist is an invalid reference, 404 (§1.3 [D])
    if body.get("aiContactId") is None:
        return task.contact_id if "aiContactId" not in body else None
    for contact in desk.store.contacts:
        if same_id(body["aiContactId"], contact, desk.reading):
            return contact.id
    raise missing("Contact")


def _customer(task: Task, body: Mapping[str, Any], desk: Desk) -> str | None:
    # §7 [I]: a customer is known by its contacts alone
    if body.get("aiCustomerId") is None:
        return task.customer_id if "aiCustomerId" not in body else None
    sent = str(body["aiCustomerId"]).lower()
    if sent not in {contact.ai_customer_id for contact in desk.store.contacts}:
        raise missing("Customer")
    return sent
