"""Change some fields of a task."""

from taskhand.domain import rules
from taskhand.domain.change import Receipt
from taskhand.domain.plan import Plan
from taskhand.domain.task import Task, TaskPatch
from taskhand.service.call import Call
from taskhand.service.resolver import ResolvedEdit, Resolver
from taskhand.service.task_write import plan_or_write

__all__ = ["update_task"]


async def update_task(call: Call, task_id: str, patch: TaskPatch) -> Receipt | Plan:
    """Set what the patch gives and leave the rest; CallerError where it breaks a rule, and then nothing is written."""
    rules.check_id(task_id, call.app.backend.capabilities)
    due = rules.check_patch(patch, call.app.backend.capabilities)
    resolver = Resolver(call.app)

    async def wanted(before: Task) -> ResolvedEdit:
        return await resolver.wanted(patch, due, before)

    return await plan_or_write(call, task_id, wanted)
