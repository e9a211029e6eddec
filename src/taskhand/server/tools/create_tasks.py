"""The tool `create_tasks`."""

from typing import Annotated, Any

from taskhand.domain.errors import CallerError
from taskhand.domain.task import TaskDraft
from taskhand.server.list_of import ListItem, ListOf
from taskhand.server.render.writes import ManyAnswer
from taskhand.server.tool import Tool, Written
from taskhand.service.call import Call, RepeatableOptions
from taskhand.service.create_tasks import NewBody, create_tasks

__all__ = ["CREATE_TASKS"]


class CreateTasks(RepeatableOptions):
    """The bodies, and the options of the call."""

    tasks: Annotated[tuple[Any, ...], ListOf(TaskDraft)]


async def _run(call: Call, arguments: CreateTasks) -> Written:
    return await create_tasks(call, [_to_body(index, item) for index, item in enumerate(arguments.tasks)])


def _to_body(index: int, item: ListItem) -> NewBody:
    if isinstance(item.value, TaskDraft | CallerError):
        return NewBody(index, item.text("title"), item.value)
    raise AssertionError("a list of TaskDraft has no others")


CREATE_TASKS = Tool(
    name="create_tasks",
    title="Create many tasks",
    description=("Create up to 50 tasks, each with its own outcome; more than ten stop at a plan first."),
    kind="create",
    arguments=CreateTasks,
    answer=ManyAnswer,
    run=_run,
    advice="Several new tasks: create_tasks.",
)
