"""All tasks of a backend with the statuses and people that they name, as records for a file."""

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from taskhand.domain.due import instant_text
from taskhand.domain.task import Contact, Task
from taskhand.domain.task_query import TaskQuery
from taskhand.domain.task_times import UNKNOWN, TaskTimes
from taskhand.service.app_context import AppContext
from taskhand.service.list_tasks import all_pages

__all__ = ["FORMAT", "Record", "export_records"]

Record = Mapping[str, Any]
"""An object with one field, the kind: `export`, `status`, `member`, `contact`, `task` or `unreadable`."""

FORMAT: Final = 1
_PAGE: Final = 100


async def export_records(app: AppContext, contacts: Iterable[Contact] = ()) -> AsyncIterator[Record]:
    """First a description of the export, then the statuses, members and `contacts`, then the tasks, oldest first.

    A task is the documented object with `updated_at`, `completed_at` and `completed_by`, as far as they are known. The
    ids of tasks that cannot be read follow as `unreadable`.
    """
    yield {"export": {"format": FORMAT, "backend": app.connection.backend}}
    for status in (await app.backend.statuses()).statuses:
        yield {"status": status.model_dump()}
    me = await app.backend.account.me()
    for member in await app.backend.account.members():
        yield {"member": {**member.model_dump(), "active": True, "me": member.id == me}}
    for member in await app.backend.account.former_members():
        yield {"member": {**member.model_dump(), "active": False, "me": False}}
    for contact in contacts:
        yield {"contact": contact.model_dump(exclude={"customer_name"})}
    async for page in all_pages(app, TaskQuery(order="oldest", limit=_PAGE)):
        for task in page.tasks:
            yield {"task": _to_object(task, page.times.get(task.id, UNKNOWN))}
        for task_id in page.unreadable:
            yield {"unreadable": {"id": task_id}}


def _to_object(task: Task, times: TaskTimes) -> dict[str, Any]:
    known = {"updated_at": _text(times.updated), "completed_at": _text(times.completed)}
    return {**task.model_dump(), **known, "completed_by": times.completed_by}


def _text(at: datetime | None) -> str | None:
    return None if at is None else instant_text(at)
