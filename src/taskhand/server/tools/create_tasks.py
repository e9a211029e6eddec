"""The tool `create_tasks`."""

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import MISSING

from taskhand.domain.errors import CallerError
from taskhand.domain.task import TaskDraft
from taskhand.server.render.write_fields import ManyAnswer
from taskhand.server.tool import ListItem, ListOf, Tool, WriteResult
from taskhand.service.call_options import RepeatableOptions

if TYPE_CHECKING:
    from taskhand.service.create_tasks import NewBody
    from taskhand.service.write_call import Call

__all__ = ["CREATE_TASKS"]


class CreateTasks(RepeatableOptions):
    """The bodies, and the options of the call."""

    # A call without it is refused below. Marked as required, so large an argument would count as a reason to take
    # another tool instead (tdqs, "shadow-candidate").
    tasks: Annotated[tuple[Any, ...] | MISSING, ListOf(TaskDraft)] = MISSING


async def _run(call: "Call", arguments: CreateTasks) -> WriteResult:
    from taskhand.service.create_tasks import create_tasks

    if arguments.tasks is MISSING:
        raise CallerError(
            "tasks is required: the bodies of the new tasks.",
            code="missing_argument",
            next_step="Send the call again with this argument added.",
        )
    return await create_tasks(call, [_to_body(index, item) for index, item in enumerate(arguments.tasks)])


def _to_body(index: int, item: ListItem) -> "NewBody":
    from taskhand.service.create_tasks import NewBody

    if isinstance(item.value, TaskDraft | CallerError):
        return NewBody(index, item.text("title"), item.value)
    raise AssertionError("a list of TaskDraft has no others")


CREATE_TASKS = Tool(
    name="create_tasks",
    title="Create many tasks",
    description="Create up to 50 tasks, each with its own outcome; more than ten stop at a plan first.",
    kind="create",
    arguments=CreateTasks,
    answer=ManyAnswer,
    run=_run,
    advice="Several new tasks: create_tasks.",
)
