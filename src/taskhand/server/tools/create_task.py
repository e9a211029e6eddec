"""The tool `create_task`."""

from taskhand.server.tool import Tool
from taskhand.server.view import WriteAnswer
from taskhand.service.create_task import create_task
from taskhand.service.desk import Desk
from taskhand.task import TaskDraft

__all__ = ["CREATE_TASK"]


async def _run(desk: Desk, draft: TaskDraft) -> WriteAnswer:
    return WriteAnswer.of(await create_task(desk, draft))


CREATE_TASK = Tool(
    name="create_task",
    title="Create a task",
    description=(
        "Create one task in the initial status. Every call makes another task: after an unclear outcome look with "
        "list_tasks first. Returns the task; to set another status, follow with update_task."
    ),
    kind="create",
    arguments=TaskDraft,
    answer=WriteAnswer,
    run=_run,
)
