"""The tool `list_tasks`."""

from typing import TYPE_CHECKING, Annotated, Any, Final, TypedDict, get_args

from pydantic import MISSING, BeforeValidator, Field

from taskhand.domain.capability_notes import field_notes
from taskhand.domain.name_matching import normalize_argument
from taskhand.domain.task import or_none
from taskhand.domain.task_groups import CountBy
from taskhand.domain.task_query import LINK_FIELDS, Order, TaskFilter
from taskhand.server.render.counts import CountsAnswer, render_counts
from taskhand.server.render.read_answers import ListAnswer
from taskhand.server.render.task_rows import RowField
from taskhand.server.tool import Tool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taskhand.service.write_call import Call

__all__ = ["LIST_TASKS"]

_DEFAULT_LIMIT = 25


_FIELDS: Final[dict[str, RowField]] = {normalize_argument(name): name for name in get_args(RowField)} | {
    "duedate": "due",
    "responsibleids": "responsibles",
    "updatedat": "updated",
    "completedat": "completed",
}
"""The fields of a row by their normalized names, and by those of the arguments for them."""
_ORDERS: Final[dict[str, Order]] = {
    **dict.fromkeys(("newest", "created desc", "createdat desc"), "created"),
    **dict.fromkeys(("created asc", "createdat asc"), "oldest"),
    **dict.fromkeys(("duedate", "due asc", "duedate asc"), "due"),
    "priority desc": "priority",
}
_GROUPS: Final[dict[str, CountBy]] = {
    **dict.fromkeys(("responsibles", "responsibleids", "assignee", "owner", "person", "member"), "responsible"),
    **dict.fromkeys(("due", "duedate", "dueday"), "dueDay"),
}


def _to_row_fields(names: Any) -> Any:
    """The fields besides the id, which is in every row; a name may be spelled as the argument for the field."""
    if not isinstance(names, tuple):
        return names
    fields = [
        _FIELDS.get(normalize_argument(name), name) if isinstance(name, str) else name for name in names if name != "id"
    ]
    return tuple(dict.fromkeys(fields)) if all(isinstance(field, str) for field in fields) else tuple(fields)


def _to_order(value: Any) -> Any:
    return _ORDERS.get(normalize_argument(value), value) if isinstance(value, str) else value


def _to_group(value: Any) -> Any:
    return _GROUPS.get(normalize_argument(value), value) if isinstance(value, str) else value


class ListTasks(TaskFilter):
    """The filter, the order, the page and the fields of a row."""

    order: (
        Annotated[
            Order,
            BeforeValidator(_to_order),
            Field(
                description="due (default): earliest first, dateless last; created: newest; oldest; "
                "priority: highest, then due",
                json_schema_extra=field_notes(names_values=True),
            ),
        ]
        | MISSING
    ) = MISSING
    limit: Annotated[int, Field(ge=1, le=100, description="Rows a page, 25 if left out")] | MISSING = MISSING
    cursor: Annotated[str, Field(description="nextCursor of the page before; same filters and order")] | MISSING = (
        MISSING
    )
    fields: (
        Annotated[
            tuple[RowField, ...],
            BeforeValidator(_to_row_fields),
            Field(description="Fields besides id; default: title, status, due, priority, responsibles"),
        ]
        | MISSING
    ) = MISSING
    count_by: (
        Annotated[
            CountBy,
            BeforeValidator(_to_group),
            Field(
                description="Count the matching tasks by this, instead of rows",
                json_schema_extra=field_notes(null_is_not_given=True),
            ),
        ]
        | MISSING
    ) = MISSING


class _Page(TypedDict):
    """The requested page."""

    order: Order
    limit: int
    cursor: str | None
    links: frozenset[str]


class ListTasksAnswer(ListAnswer, CountsAnswer):
    """A page of tasks, or the counts for countBy."""

    listed = ("tasks", "nextCursor", "unreadable", "counts")


async def _run(call: "Call", arguments: ListTasks) -> ListAnswer | CountsAnswer:
    from taskhand.service.count_tasks import count_tasks
    from taskhand.service.list_note import list_note
    from taskhand.service.list_tasks import list_tasks

    if arguments.count_by is not MISSING:
        counted = await count_tasks(call.app, arguments, arguments.count_by)
        note = await list_note(call.app, counted.matched, arguments, is_empty=not counted.count.total)
        return render_counts(counted, arguments.count_by, note)
    task_list = await list_tasks(call.app, arguments, **_page(arguments))
    is_first = arguments.cursor is MISSING
    is_empty = is_first and not (task_list.tasks or task_list.unreadable)
    matched = task_list.query.matched if is_first else ()
    note = await list_note(call.app, matched, arguments, is_empty=is_empty)
    return ListAnswer.of(task_list, arguments.fields, note)


async def _run_everywhere(calls: "Mapping[str, Call]", arguments: ListTasks) -> ListAnswer | CountsAnswer:
    from taskhand.server.render.several_connections import ListEverywhereAnswer, render_counts_everywhere
    from taskhand.service.count_tasks_everywhere import count_tasks_everywhere
    from taskhand.service.list_note import merged_list_note
    from taskhand.service.list_tasks_everywhere import list_tasks_everywhere

    apps = {name: call.app for name, call in calls.items()}
    if arguments.count_by is not MISSING:
        counted = await count_tasks_everywhere(apps, arguments, arguments.count_by)
        matched = {name: answered.answer.matched for name, answered in counted.answers.items()}
        return render_counts_everywhere(counted, arguments.count_by, await merged_list_note(apps, matched, arguments))
    page = _page(arguments)
    task_lists = await list_tasks_everywhere(apps, arguments, **page)
    is_first = arguments.cursor is MISSING
    matched = {name: task_list.query.matched for name, task_list in task_lists.lists.items()} if is_first else {}
    note = await merged_list_note(apps, matched, arguments, is_empty=is_first and not task_lists.rows)
    return ListEverywhereAnswer.of_several(task_lists, arguments.fields, page["limit"], note)


def _page(arguments: ListTasks) -> _Page:
    return _Page(
        order="due" if arguments.order is MISSING else arguments.order,
        limit=_DEFAULT_LIMIT if arguments.limit is MISSING else arguments.limit,
        cursor=or_none(arguments.cursor),
        links=frozenset() if arguments.fields is MISSING else LINK_FIELDS & set(arguments.fields),
    )


LIST_TASKS = Tool(
    name="list_tasks",
    title="List tasks",
    description=(
        "Find or count tasks by responsible, dates, status, text, priority or contact; filters combine. "
        "Finished tasks are included unless status excludes them. Returns rows, and nextCursor while more "
        "follow."
    ),
    kind="read",
    arguments=ListTasks,
    answer=ListTasksAnswer,
    run=_run,
    run_everywhere=_run_everywhere,
    verb="finds tasks and their ids",
    shows_tasks=True,
    is_drawn_by_board=True,
    is_called_by_board=True,
)
