"""List the tasks of several connections as one list."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from taskhand.domain.due import instant_text
from taskhand.domain.errors import TaskhandError
from taskhand.domain.merged_list import ConnectionPage, MergedCursor, merge_rows
from taskhand.domain.task import Task
from taskhand.domain.task_cursor import position_after
from taskhand.domain.task_query import LINK_FIELDS, Order, TaskFilter, ascends, task_sort_key
from taskhand.domain.task_times import UNKNOWN, moment_of
from taskhand.service.app_context import AppContext
from taskhand.service.ask_connections import ConnectionAnswers, ask_connections
from taskhand.service.list_tasks import TaskList, list_tasks
from taskhand.service.partly_known_names import PartialAnswer, ask_for_known, check_known_somewhere

__all__ = ["MergedTaskList", "list_tasks_everywhere"]


@dataclass(frozen=True, slots=True)
class MergedTaskList:
    """One page over several connections: its `rows` are tasks with their connections, in the asked order.

    `found` has the page of each connection, of which the rows may be a part. `begun` is the cursor of this page.
    """

    rows: tuple[tuple[str, Task], ...]
    found: ConnectionAnswers[PartialAnswer[TaskList]]
    begun: MergedCursor

    @property
    def lists(self) -> Mapping[str, TaskList]:
        """The page of each connection that answered."""
        return {name: answered.answer for name, answered in self.found.answers.items()}

    @property
    def unknown(self) -> tuple[tuple[str, TaskhandError], ...]:
        """The names that a connection does not know, each with its error; it was asked without them."""
        return tuple(
            (name, error) for name, answered in self.found.answers.items() for error in answered.unknown.values()
        )

    def cursor_after(self, shown: int) -> str | None:
        """The cursor after the first `shown` rows; None if nothing follows.

        An unreachable connection that may answer the next page continues from its last position.
        """
        parts = {
            name: ConnectionPage([position_after(task, task_list.query) for task in task_list.tasks], task_list.more)
            for name, task_list in self.lists.items()
        }
        names = [name for name, _ in self.rows[:shown]]
        return self.begun.after(names, parts, may_be_back=self.found.may_be_back)


async def list_tasks_everywhere(
    apps: Mapping[str, AppContext],
    task_filter: TaskFilter,
    *,
    order: Order = "due",
    limit: int = 25,
    cursor: str | None = None,
    links: frozenset[str] = LINK_FIELDS,
) -> MergedTaskList:
    """One page of the tasks of these connections, at most `limit` in all; the rest as of `list_tasks`.

    A connection whose tasks have all been listed is not asked again.
    """
    asked = {name: getattr(task_filter, name) for name in TaskFilter.model_fields}
    begun = MergedCursor.of_list([*apps], (order, sorted(asked.items(), key=lambda entry: entry[0])), cursor)

    async def ask(name: str, app: AppContext) -> PartialAnswer[TaskList]:
        return await ask_for_known(
            app,
            task_filter,
            lambda task_filter: list_tasks(
                app, task_filter, order=order, limit=limit, cursor=begun.by_name[name] or None, links=links
            ),
        )

    answers = await ask_connections(
        {name: apps[name] for name in begun.unfinished}, ask, others_ended=begun.others_ended
    )
    check_known_somewhere(answers)
    pages = {name: answered.answer.tasks for name, answered in answers.answers.items()}
    merged = merge_rows(pages, lambda task: _key(task, order), descends=not ascends(order))
    return MergedTaskList(tuple(islice(merged, limit)), answers, begun)


def _key(task: Task, order: Order) -> str:
    """The sort key in the same form for all CRMs, which write offsets of times differently."""
    if order in ("created", "oldest") and (at := moment_of(task, UNKNOWN, "created")):
        return instant_text(at)
    return task_sort_key(task, order)
