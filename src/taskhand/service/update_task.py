"""Change some fields of a task."""

from taskhand import rules
from taskhand.change import Receipt
from taskhand.service.desk import Desk
from taskhand.service.write import Wanted, carried_out, resolved
from taskhand.task import Task, TaskPatch

__all__ = ["update_task"]


async def update_task(desk: Desk, task_id: str, patch: TaskPatch) -> Receipt:
    """Set what the patch gives and leave the rest; CallerError where it breaks a rule, and then nothing is written."""
    rules.check_id(task_id, desk.backend.capabilities)
    rules.check_patch(patch, desk.backend.capabilities)

    async def wanted(before: Task) -> Wanted:
        return await resolved(desk, patch, before)

    return await carried_out(desk, task_id, wanted)
