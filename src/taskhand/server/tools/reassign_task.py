"""The tool `reassign_task`."""

from typing import TYPE_CHECKING, Annotated

from pydantic import MISSING, Field

from taskhand.domain.capability_notes import field_notes
from taskhand.domain.task import OR_ME, ReassignMode, or_none
from taskhand.server.render.write_fields import WriteAnswer
from taskhand.server.tool import Tool, WriteResult
from taskhand.server.tools.get_task import IdProperty, TaskId, find_id
from taskhand.service.call_options import Options

if TYPE_CHECKING:
    from taskhand.service.write_call import Call

__all__ = ["REASSIGN_TASK"]


class ReassignTask(Options):
    """The task, the people, and how to change those on the task."""

    id: TaskId
    id_property: IdProperty | MISSING = MISSING
    responsible_ids: Annotated[
        tuple[str, ...], Field(description="People by id, e-mail or name", json_schema_extra=field_notes(me=OR_ME))
    ]
    mode: (
        Annotated[
            ReassignMode,
            Field(
                description="replace everyone (default), add to or remove from those on the task",
                json_schema_extra=field_notes(needs="responsibleIds", for_several_people=True, names_values=True),
            ),
        ]
        | MISSING
    ) = MISSING


async def _run(call: "Call", arguments: ReassignTask) -> WriteResult:
    from taskhand.service.reassign_task import reassign_task

    task_id = await find_id(call, arguments.id, arguments.id_property)
    return await reassign_task(call, task_id, arguments.responsible_ids, or_none(arguments.mode))


REASSIGN_TASK = Tool(
    name="reassign_task",
    title="Reassign a task",
    description=("Replace who is responsible for one task or, where it can have several people, add or remove some."),
    kind="update",
    arguments=ReassignTask,
    answer=WriteAnswer,
    run=_run,
    verb="changes people",
    is_called_by_board=True,
)
