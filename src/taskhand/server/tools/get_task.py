"""The tool `get_task`."""

from typing import TYPE_CHECKING, Annotated

from pydantic import MISSING, Field

from taskhand.domain.capability_notes import field_notes
from taskhand.domain.task import Body
from taskhand.server.render.read_answers import TaskAnswer
from taskhand.server.tool import Tool

if TYPE_CHECKING:
    from taskhand.service.write_call import Call

__all__ = ["GET_TASK", "IdProperty", "TaskId", "find_id"]

TaskId = Annotated[str, Field(description="Task id from list_tasks")]
IdProperty = Annotated[
    str, Field(description="Property of which id is a value", json_schema_extra=field_notes(needs="properties"))
]
"""The CRM's own property of which an id is a value."""


class GetTask(Body):
    """The task to read."""

    id: TaskId
    properties: Annotated[tuple[str, ...], Field(description="Other CRM fields to show")] | MISSING = MISSING
    id_property: IdProperty | MISSING = MISSING


async def find_id(call: "Call", value: str, id_property: str | MISSING) -> str:
    """The id that a call sends, or that of the task with this value of a property; NotFound."""
    if id_property is MISSING:
        return value
    from taskhand.service.find_by_property import find_id_by_property

    return await find_id_by_property(call.app, value, id_property)


async def _run(call: "Call", arguments: GetTask) -> TaskAnswer:
    from taskhand.service.get_task import get_task

    names = () if arguments.properties is MISSING else arguments.properties
    task_id = await find_id(call, arguments.id, arguments.id_property)
    return TaskAnswer.of(await get_task(call.app, task_id, names))


GET_TASK = Tool(
    name="get_task",
    title="Get one task",
    description="Read one whole task by id.",
    kind="read",
    arguments=GetTask,
    answer=TaskAnswer,
    run=_run,
)
