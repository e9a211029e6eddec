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
    from taskhand.sandbox.close.context import Desk


def list_tasks(desk: Desk) -> dict[str, Any]:
    """`GET /task/`: filtered, in order, one page (§2.3 [D])."""
    found = arranged(matching(desk.listed_tasks, desk), desk)
    return paged(found, desk, lambda task: shown(task, desk))


def get_task(desk: Desk) -> dict[str, Any]:
    """`GET /task/{id}/` (§2.5 [D]); soon after its delete a task may still be there (§2.8 [L])."""
    return trimmed(shown(_find(desk, late=desk.reading.delete_lag), desk), desk)


def create_task(desk: Desk) -> dict[str, Any]:
    """`POST /task/`: 200 with the whole object; without `_type` it is a `lead` (§2.4 [D, R])."""
    name = desk.body.get("_type", task_types.LEAD)
    if name not in task_types.CREATABLE:
        raise invalid(_type=f"Value must be one of: {', '.join(task_types.CREATABLE)}.")  # words: [I]
    validation.check_create(desk.body, name, desk)
    born = _born(desk, task_types.KINDS[name])
    return trimmed(shown(writes.create(desk, edited(born, desk.body, desk)), desk), desk)


def update_task(desk: Desk) -> dict[str, Any]:
    """`PUT /task/{id}/`: only what is sent changes (§1.1, §2.6 [D])."""
    task = _find(desk)
    validation.check_update(desk.body, desk)
    body = allowed(task, {name: value for name, value in desk.body.items() if name in validation.UPDATABLE}, desk)
    return trimmed(shown(writes.change(desk, task, edited(task, body, desk)), desk), desk)


def delete_task(desk: Desk) -> dict[str, Any]:
    """`DELETE /task/{id}/`: for good; a second time it is not there (§2.8 [D, L])."""
    writes.remove(desk, _find(desk))
    return {}


def _find(desk: Desk, late: int = 0) -> Task:
    task_id = desk.values["id"]
    task = desk.store.tasks.get(task_id)
    if task is None and late:
        task = desk.store.as_of(desk.now - dt.timedelta(seconds=late)).get(task_id)
    if task is None:
        raise absent("Task")
    return task


def _born(desk: Desk, kind: task_types.Kind) -> Task:
    """Make the task that the body is applied to: dateless, the key's user's (§2.4 [R])."""
    owner, sent = desk.store.key_owner, desk.body.get("date_created")
    made = desk.now if sent is None else instant_of(read_moment(sent, desk.zone, desk.reading), desk.zone)
    return Task(
        id=desk.store.fresh_id(kind.prefix),
        kind=kind,
        assigned_to=owner,
        date_created=made,
        date_updated=made,
        created_by=owner,
        updated_by=owner,
    )
