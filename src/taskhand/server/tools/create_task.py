"""The tool `create_task`."""

from taskhand.domain.task import TaskDraft
from taskhand.server.render.writes import WriteAnswer
from taskhand.server.tool import Tool
from taskhand.service.call import RepeatableOptions
from taskhand.service.create_task import create_task

__all__ = ["CREATE_TASK"]


class CreateTask(RepeatableOptions, TaskDraft):
    """The documented body."""


CREATE_TASK = Tool(
    name="create_task",
    title="Create a task",
    description=(
        "Create one task in the initial status. The same call again within two minutes is answered with the first "
        "task; send an idempotencyKey to make a second on purpose. To set another status, follow with update_task."
    ),
    kind="create",
    arguments=CreateTask,
    answer=WriteAnswer,
    run=create_task,
)
