"""Change some fields of a task."""

from taskhand.domain import rules
from taskhand.domain.change import Receipt
from taskhand.domain.plan import Plan
from taskhand.domain.task import Task, TaskPatch
from taskhand.service.call import Call
from taskhand.service.resolver import Roster, Wanted
from taskhand.service.write import carried_out

__all__ = ["update_task"]


async def update_task(call: Call, task_id: str, patch: TaskPatch) -> Receipt | Plan:
    """Set what the patch gives and leave the rest; CallerError where it breaks a rule, and then nothing is written."""
    rules.check_id(task_id, call.desk.backend.capabilities)
    rules.check_patch(patch, call.desk.backend.capabilities)
    roster = Roster(call.desk)

    async def wanted(before: Task) -> Wanted:
        return await roster.wanted(patch, before)

    return await carried_out(call, task_id, wanted)
