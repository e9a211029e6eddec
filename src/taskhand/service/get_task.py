"""Read one task."""

from collections.abc import Sequence

from taskhand.domain import task_rules
from taskhand.domain.field_limits import check_number_of_properties
from taskhand.domain.task import Task
from taskhand.service.app_context import AppContext
from taskhand.service.snapshots import read_snapshot

__all__ = ["get_task"]


async def get_task(app: AppContext, task_id: str, properties: Sequence[str] = ()) -> Task:
    """One task, with these properties too; NotFound if there is none, CallerError for a malformed id or name."""
    task_rules.check_id(task_id, app.backend.capabilities)
    own_properties = app.backend.properties
    if not properties or own_properties is None:
        return await app.backend.get_task(task_id)
    check_number_of_properties(len(properties))
    names = await own_properties.find_names(properties)
    return (await read_snapshot(app, task_id, properties=tuple(names.values()))).task
