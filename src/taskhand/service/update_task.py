"""Change some fields of a task."""

from taskhand import rules
from taskhand.backend import Misread
from taskhand.change import Receipt
from taskhand.service.desk import Desk
from taskhand.service.write import applied, resolved
from taskhand.task import TaskPatch

__all__ = ["update_task"]


async def update_task(desk: Desk, task_id: str, patch: TaskPatch) -> Receipt:
    """Set what the patch gives and leave the rest; CallerError where it breaks a rule, and then nothing is written."""
    rules.check_id(task_id, desk.backend.capabilities)
    rules.check_patch(patch, desk.backend.capabilities)
    before = await desk.backend.get_task(task_id)
    edit, matched = await resolved(desk, patch, before)
    try:
        return await applied(desk, before, edit, matched)
    except Misread as misread:
        edit, matched = await resolved(desk, patch, misread.before)
        receipt = await applied(desk, misread.now, edit, matched)
        return Receipt.of(misread.before, receipt.task, edit, matched)
