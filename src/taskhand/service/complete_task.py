"""Finish a task."""

from pydantic import MISSING

from taskhand import rules, statuses
from taskhand.change import Receipt
from taskhand.edit import Edit
from taskhand.service.desk import Desk
from taskhand.service.write import applied
from taskhand.task import FINISHED

__all__ = ["complete_task"]


async def complete_task(desk: Desk, task_id: str, status_name: str | MISSING = MISSING) -> Receipt:
    """Move a task to the finished status, by name or by type; a finished task stays as it is unless one is named."""
    rules.check_id(task_id, desk.backend.capabilities)
    before = await desk.backend.get_task(task_id)
    if status_name is MISSING and before.status_config and before.status_config.type in FINISHED:
        note = f"Nothing was written: the task is already finished ({before.status_config.name})."
        return Receipt(before, note=note)
    choice, matched = statuses.finished(status_name, await desk.backend.statuses())
    return await applied(desk, before, Edit(status=choice), matched)
