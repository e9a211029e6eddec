"""The tool `complete_task`."""

from typing import Annotated

from pydantic import MISSING, Field

from taskhand.server.tool import Tool
from taskhand.server.tools.get_task import TaskId
from taskhand.server.view import WriteAnswer
from taskhand.service.complete_task import complete_task
from taskhand.service.desk import Desk
from taskhand.task import Body

__all__ = ["COMPLETE_TASK"]


class CompleteTask(Body):
    """Which task, and into which finished status."""

    id: TaskId
    new_status_name: (
        Annotated[str, Field(description="Finished status; only where there are several of type done.")] | MISSING
    ) = MISSING


async def _run(desk: Desk, arguments: CompleteTask) -> WriteAnswer:
    return WriteAnswer.of(await complete_task(desk, arguments.id, arguments.new_status_name))


COMPLETE_TASK = Tool(
    name="complete_task",
    title="Complete a task",
    description=(
        "Finish one task: moves it to the status of type done (master_done if there is none) and says which. "
        "To reopen it or set any other status use update_task."
    ),
    kind="update",
    arguments=CompleteTask,
    answer=WriteAnswer,
    run=_run,
)
