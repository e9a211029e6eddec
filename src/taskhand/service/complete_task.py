"""Complete a task."""

from pydantic import MISSING

from taskhand.domain import rules, statuses
from taskhand.domain.edit import Edit
from taskhand.domain.plan import Plan
from taskhand.domain.receipt import Receipt
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import FINISHED, Task
from taskhand.service.call import Call
from taskhand.service.resolver import ResolvedEdit
from taskhand.service.task_write import plan_or_write

__all__ = ["complete_task"]


async def complete_task(call: Call, task_id: str, status_name: str | MISSING = MISSING) -> Receipt | Plan:
    """Move a task to the finished status; without `status_name`, a task that is finished already stays as it is."""
    backend = call.app.backend
    rules.check_id(task_id, backend.capabilities)

    async def edit_for(snapshot: Snapshot) -> ResolvedEdit:
        before = snapshot.task
        if status_name is MISSING and _is_finished(before):
            # The snapshot may be old: only a fresh read shows that the task is finished now.
            before = await backend.get_task(task_id, fresh=True)
        if status_name is MISSING and _is_finished(before):
            return Edit(), ()
        choice, matched = statuses.finished_status(status_name, await backend.statuses())
        return Edit(status=choice), matched

    return await plan_or_write(call, task_id, edit_for)


def _is_finished(task: Task) -> bool:
    return task.status_config is not None and task.status_config.type in FINISHED
