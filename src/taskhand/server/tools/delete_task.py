"""The tool `delete_task`."""

from typing import TYPE_CHECKING, Annotated

from pydantic import MISSING, Field

from taskhand.domain.errors import CallerError
from taskhand.domain.task import or_none
from taskhand.server.render.write_fields import ManyAnswer
from taskhand.server.tool import Tool, WriteResult
from taskhand.server.tools.get_task import IdProperty, TaskId, find_id
from taskhand.service.call_options import Options

if TYPE_CHECKING:
    from taskhand.service.write_call import Call

__all__ = ["DELETE_TASK"]


class DeleteTask(Options):
    """The task or the tasks to delete."""

    id: TaskId | MISSING = MISSING
    ids: (
        Annotated[
            tuple[str, ...],
            Field(description="Several ids, instead of id"),
        ]
        | MISSING
    ) = MISSING
    id_property: IdProperty | MISSING = MISSING


async def _run(call: "Call", arguments: DeleteTask) -> WriteResult:
    from taskhand.service.delete_task import delete_task, delete_tasks
    from taskhand.service.find_by_property import find_ids

    task_id = or_none(arguments.id)
    ids = None if arguments.ids is MISSING or (task_id and not arguments.ids) else arguments.ids
    if task_id is not None and ids is None:
        return await delete_task(call, await find_id(call, task_id, arguments.id_property))
    if ids is not None and task_id is None:
        return await delete_tasks(call, await find_ids(call.app, ids, arguments.id_property))
    raise CallerError(
        "Neither id nor ids was given." if ids is None else "id and ids were both given.",
        code="no_targets" if ids is None else "several_targets",
        next_step="Send id for one task, or ids for several.",
    )


DELETE_TASK = Tool(
    name="delete_task",
    title="Delete tasks",
    description=(
        "Plan the removal of one or several tasks; a person is asked, or apply_plan carries it out. To finish a task "
        "use complete_task. undo_change creates deleted tasks again, under new ids."
    ),
    kind="destroy",
    arguments=DeleteTask,
    answer=ManyAnswer,
    run=_run,
)
