"""Count the tasks of several connections together."""

from collections.abc import Mapping

from taskhand.domain.task_groups import CountBy
from taskhand.domain.task_query import TaskFilter
from taskhand.service.app_context import AppContext
from taskhand.service.ask_connections import ConnectionAnswers, ask_connections
from taskhand.service.count_tasks import Counted, count_tasks
from taskhand.service.partly_known_names import PartialAnswer, ask_for_known, check_known_somewhere

__all__ = ["count_tasks_everywhere"]


async def count_tasks_everywhere(
    apps: Mapping[str, AppContext], task_filter: TaskFilter, by: CountBy
) -> ConnectionAnswers[PartialAnswer[Counted]]:
    """The count of each connection, as of `count_tasks`."""

    async def ask(_: str, app: AppContext) -> PartialAnswer[Counted]:
        return await ask_for_known(app, task_filter, lambda task_filter: count_tasks(app, task_filter, by))

    answers = await ask_connections(apps, ask)
    check_known_somewhere(answers)
    return answers
