"""Finish a task."""

from pydantic import MISSING

from taskhand import rules, statuses
from taskhand.change import Receipt
from taskhand.edit import Edit
from taskhand.service.desk import Desk
from taskhand.service.write import Wanted, carried_out
from taskhand.task import FINISHED, Task

__all__ = ["complete_task"]


async def complete_task(desk: Desk, task_id: str, status_name: str | MISSING = MISSING) -> Receipt:
    """Move a task to the finished status, by name or by type; a finished task stays as it is unless one is named."""
    rules.check_id(task_id, desk.backend.capabilities)

    async def wanted(before: Task) -> Wanted:
        if status_name is MISSING and _is_finished(before):
            # Only what is so now may be called finished already: what was read before may be old.
            before = await desk.backend.get_task(task_id, fresh=True)
        if status_name is MISSING and _is_finished(before):
            return Edit(), ()
        choice, matched = statuses.finished(status_name, await desk.backend.statuses())
        return Edit(status=choice), matched

    return await carried_out(desk, task_id, wanted)


def _is_finished(task: Task) -> bool:
    return task.status_config is not None and task.status_config.type in FINISHED
