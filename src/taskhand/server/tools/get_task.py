"""The tool `get_task`."""

from typing import Annotated

from pydantic import Field

from taskhand.domain.task import Body
from taskhand.server.render.reads import TaskAnswer
from taskhand.server.tool import Tool
from taskhand.service.call import Call

__all__ = ["GET_TASK", "TaskId"]

TaskId = Annotated[str, Field(description="Task id from list_tasks.")]


class GetTask(Body):
    """The task to read."""

    id: TaskId


async def _run(call: Call, arguments: GetTask) -> TaskAnswer:
    from taskhand.service.get_task import get_task

    return TaskAnswer.of(await get_task(call.app, arguments.id))


GET_TASK = Tool(
    name="get_task",
    title="Get one task",
    description="Read one whole task by id, description included. To find a task or its id, use list_tasks.",
    kind="read",
    arguments=GetTask,
    answer=TaskAnswer,
    run=_run,
)
