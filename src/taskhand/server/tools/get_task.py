"""The tool `get_task`."""

from typing import TYPE_CHECKING, Annotated

from pydantic import MISSING, Field

from taskhand.domain.capability_notes import field_notes
from taskhand.domain.task import Body
from taskhand.server.render.read_answers import TaskAnswer
from taskhand.server.tool import Tool

if TYPE_CHECKING:
    from taskhand.service.write_call import Call

__all__ = ["GET_TASK", "IdProperty", "TaskId"]

TaskId = Annotated[str, Field(description="Task id from list_tasks.")]
IdProperty = Annotated[
    str, Field(description="Property of which id is a value.", json_schema_extra=field_notes(needs="properties"))
]
"""The CRM's own property of which an id is a value."""


class GetTask(Body):
    """The task to read."""

    id: TaskId
    properties: Annotated[tuple[str, ...], Field(description="Other CRM fields to show.")] | MISSING = MISSING
    id_property: IdProperty | MISSING = MISSING


async def _run(call: "Call", arguments: GetTask) -> TaskAnswer:
    from taskhand.service.find_by_property import find_id
    from taskhand.service.get_task import get_task

    names = () if arguments.properties is MISSING else arguments.properties
    task_id = await find_id(call.app, arguments.id, arguments.id_property)
    return TaskAnswer.of(await get_task(call.app, task_id, names))


GET_TASK = Tool(
    name="get_task",
    title="Get one task",
    description="Read one whole task by id, description included.",
    kind="read",
    arguments=GetTask,
    answer=TaskAnswer,
    run=_run,
)
