"""The tool `reassign_task`."""

from typing import Annotated

from pydantic import MISSING, Field

from taskhand.server.tool import Tool
from taskhand.server.tools.get_task import TaskId
from taskhand.server.view import WriteAnswer
from taskhand.service.desk import Desk
from taskhand.service.reassign_task import Mode, reassign_task
from taskhand.task import Body

__all__ = ["REASSIGN_TASK"]


class ReassignTask(Body):
    """Which task, whom, and how."""

    id: TaskId
    responsible_ids: Annotated[tuple[str, ...], Field(description="People by id, e-mail, full name or 'me'.")]
    mode: (
        Annotated[Mode, Field(description="replace everyone (default), add to or remove from those on the task.")]
        | MISSING
    ) = MISSING


async def _run(desk: Desk, arguments: ReassignTask) -> WriteAnswer:
    mode = "replace" if arguments.mode is MISSING else arguments.mode
    return WriteAnswer.of(await reassign_task(desk, arguments.id, arguments.responsible_ids, mode))


REASSIGN_TASK = Tool(
    name="reassign_task",
    title="Reassign a task",
    description=(
        "Replace who is responsible for one task or, where it can have several people, add or remove some. "
        "A name that fits several people is refused with the candidates, and nothing is written."
    ),
    kind="update",
    arguments=ReassignTask,
    answer=WriteAnswer,
    run=_run,
)
