"""The tool `update_task`."""

from typing import TYPE_CHECKING

from pydantic import MISSING

from taskhand.domain.task import TaskPatch
from taskhand.server.render.write_fields import WriteAnswer
from taskhand.server.tool import Tool, WriteResult
from taskhand.server.tools.get_task import IdProperty, TaskId, find_id
from taskhand.service.call_options import Options

if TYPE_CHECKING:
    from taskhand.service.write_call import Call

__all__ = ["UPDATE_TASK"]


class UpdateTask(Options, TaskPatch):
    """The task, and the documented body of PUT /tasks/{id}."""

    id: TaskId
    id_property: IdProperty | MISSING = MISSING


async def _run(call: "Call", arguments: UpdateTask) -> WriteResult:
    from taskhand.service.update_task import update_task

    return await update_task(call, await find_id(call, arguments.id, arguments.id_property), arguments)


UPDATE_TASK = Tool(
    name="update_task",
    title="Update a task",
    description=(
        "Change fields of one task; fields left out stay as they are, those in clear are emptied. To finish a task use "
        "complete_task."
    ),
    kind="update",
    arguments=UpdateTask,
    answer=WriteAnswer,
    run=_run,
    verb="changes any field",
    is_called_by_board=True,
)
