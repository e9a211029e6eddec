"""The tool `delete_task`."""

from taskhand.server.render.writes import WriteAnswer
from taskhand.server.tool import Tool
from taskhand.server.tools.get_task import TaskId
from taskhand.service.call import Options
from taskhand.service.delete_task import delete_task

__all__ = ["DELETE_TASK"]


class DeleteTask(Options):
    """The task to delete."""

    id: TaskId


DELETE_TASK = Tool(
    name="delete_task",
    title="Delete a task",
    description=(
        "Plan the removal of one task; a person is asked, or apply_plan carries it out. To finish a task use "
        "complete_task instead. undo_change creates a deleted task again, under a new id."
    ),
    kind="destroy",
    arguments=DeleteTask,
    answer=WriteAnswer,
    run=lambda call, arguments: delete_task(call, arguments.id),
)
