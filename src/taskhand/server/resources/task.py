"""The resource `task://{id}`."""

from taskhand.server.render.read_answers import TaskAnswer
from taskhand.server.resource import FOLLOWED, Resource
from taskhand.service.app_context import AppContext

__all__ = ["TASK"]


async def _read(app: AppContext, task_id: str) -> TaskAnswer:
    from taskhand.service.get_task import get_task

    return TaskAnswer.of(await get_task(app, task_id))


TASK = Resource(
    uri="task://{id}",
    name="task",
    title="One task",
    description="One whole task by its id; the same as get_task returns.",
    like=FOLLOWED["task"],
    read=_read,
    follows="task",
)
