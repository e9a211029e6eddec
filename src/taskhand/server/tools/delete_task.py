"""The tool `delete_task`."""

from taskhand.server.tool import Tool, Written
from taskhand.server.tools.get_task import TaskId
from taskhand.server.write_view import WriteAnswer
from taskhand.service.call import Call, Options
from taskhand.service.delete_task import delete_task

__all__ = ["DELETE_TASK"]


class DeleteTask(Options):
    """Which task."""

    id: TaskId


async def _run(call: Call, arguments: DeleteTask) -> Written:
    return await delete_task(call, arguments.id)


DELETE_TASK = Tool(
    name="delete_task",
    title="Delete a task",
    description=(
        "Plan the removal of one task; a person is asked, or apply_plan carries it out. To finish a task use "
        "complete_task instead. undo_change makes a deleted task again, under a new id."
    ),
    kind="destroy",
    arguments=DeleteTask,
    answer=WriteAnswer,
    run=_run,
)
