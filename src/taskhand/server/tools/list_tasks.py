"""The tool `list_tasks`."""

from typing import Annotated, Any

from pydantic import MISSING, BeforeValidator, Field

from taskhand.domain.query import Order, TaskFilter
from taskhand.server.render.reads import ListAnswer, RowField
from taskhand.server.tool import Tool
from taskhand.service.call import Call
from taskhand.service.list_tasks import list_tasks

__all__ = ["LIST_TASKS"]

_DEFAULT_LIMIT = 25


def _without_id(names: Any) -> Any:
    """The fields besides the id, which every row has."""
    return tuple(name for name in names if name != "id") if isinstance(names, tuple) else names


class ListTasks(TaskFilter):
    """The filter, the order, the page and the fields of a row."""

    order: (
        Annotated[
            Order,
            Field(description="due (default): earliest first, dateless last; created: newest; priority: highest."),
        ]
        | MISSING
    ) = MISSING
    limit: Annotated[int, Field(ge=1, le=100, description="Rows a page, 25 if left out.")] | MISSING = MISSING
    cursor: Annotated[str, Field(description="nextCursor of the page before; same filters and order.")] | MISSING = (
        MISSING
    )
    fields: (
        Annotated[
            tuple[RowField, ...],
            BeforeValidator(_without_id),
            Field(description="Shown besides id; if left out title, status, due, priority, responsibles."),
        ]
        | MISSING
    ) = MISSING


async def _run(call: Call, arguments: ListTasks) -> ListAnswer:
    found = await list_tasks(
        call.app,
        arguments,
        order="due" if arguments.order is MISSING else arguments.order,
        limit=_DEFAULT_LIMIT if arguments.limit is MISSING else arguments.limit,
        cursor=None if arguments.cursor is MISSING else arguments.cursor,
    )
    return ListAnswer.of(found, arguments.fields)


LIST_TASKS = Tool(
    name="list_tasks",
    title="List tasks",
    description=(
        "Find tasks by responsible, due window, status, text, priority or contact; all filters are optional and "
        "combine. Finished tasks are included unless status says otherwise. Returns compact rows, and nextCursor while "
        "more follow. For one whole task by id use get_task."
    ),
    kind="read",
    arguments=ListTasks,
    answer=ListAnswer,
    run=_run,
    verb="finds tasks and their ids",
)
