"""The tool `complete_task`."""

from typing import TYPE_CHECKING, Annotated

from pydantic import MISSING, Field

from taskhand.domain.capability_notes import field_notes
from taskhand.domain.task import AddNote, Resolution
from taskhand.server.render.write_fields import WriteAnswer
from taskhand.server.tool import Tool, WriteResult
from taskhand.server.tools.get_task import IdProperty, TaskId, find_id
from taskhand.service.call_options import Options

if TYPE_CHECKING:
    from taskhand.service.write_call import Call

__all__ = ["COMPLETE_TASK"]


class CompleteTask(Options):
    """The task to finish, the finished status to move it to, a note, and how it ended."""

    id: TaskId
    id_property: IdProperty | MISSING = MISSING
    new_status_name: (
        Annotated[
            str,
            Field(
                description="Finished status; needed only if several have type done",
                json_schema_extra=field_notes(finished=True),
            ),
        ]
        | MISSING
    ) = MISSING
    add_note: AddNote | MISSING = MISSING
    resolution: Resolution | MISSING = MISSING


async def _run(call: "Call", arguments: CompleteTask) -> WriteResult:
    from taskhand.service.complete_task import complete_task

    task_id = await find_id(call, arguments.id, arguments.id_property)
    return await complete_task(call, task_id, arguments.new_status_name, arguments.add_note, arguments.resolution)


COMPLETE_TASK = Tool(
    name="complete_task",
    title="Complete a task",
    description=(
        "Finish one task: moves it to the status of type done, else master_done, and names it. "
        "For any other status use update_task."
    ),
    kind="update",
    arguments=CompleteTask,
    answer=WriteAnswer,
    run=_run,
    verb="finishes",
    is_called_by_board=True,
)
