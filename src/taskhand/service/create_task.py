"""Create a task."""

from taskhand import rules
from taskhand.change import Receipt
from taskhand.service.desk import Desk
from taskhand.service.write import resolved
from taskhand.task import TaskDraft

__all__ = ["create_task"]


async def create_task(desk: Desk, draft: TaskDraft) -> Receipt:
    """A new task in the initial status; CallerError where the body breaks a rule, and then nothing is written."""
    rules.check_draft(draft, desk.backend.capabilities)
    edit, matched = await resolved(desk, draft, None)
    written = await desk.backend.create_task(edit)
    return Receipt.of(None, written.task, edit, matched, written.note)
