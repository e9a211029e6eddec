"""The tool `create_task`."""

from typing import TYPE_CHECKING

from taskhand.domain.task import TaskDraft
from taskhand.server.render.write_fields import WriteAnswer
from taskhand.server.tool import Tool, WriteResult
from taskhand.service.call_options import RepeatableOptions

if TYPE_CHECKING:
    from taskhand.service.write_call import Call

__all__ = ["CREATE_TASK"]


class CreateTask(RepeatableOptions, TaskDraft):
    """The documented body of POST /tasks, and the options of the call."""


async def _run(call: "Call", arguments: CreateTask) -> WriteResult:
    from taskhand.service.create_task import create_task

    return await create_task(call, arguments)


CREATE_TASK = Tool(
    name="create_task",
    title="Create a task",
    description=(
        "Create one task in the initial status; update_task sets another. The same call within two minutes returns the "
        "first task, unless idempotencyKey is new."
    ),
    kind="create",
    arguments=CreateTask,
    answer=WriteAnswer,
    run=_run,
)
