"""Pages of tasks, and selecting one from tasks in memory; pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from pydantic import MISSING

from taskhand.domain.task import Task
from taskhand.domain.task_query import Order, TaskQuery, ascends, matcher, task_sort_key
from taskhand.domain.task_times import NO_TIMES, TaskTimes

__all__ = ["TaskPage", "select_page"]


@dataclass(frozen=True, slots=True)
class TaskPage:
    """Tasks in the requested order, and whether more follow.

    `unreadable` are the ids of tasks that may belong to the list and are left out, because one of their fields cannot
    be read; the id of a task without one is empty. `times` are what is known of the tasks' times, by task id.
    """

    tasks: tuple[Task, ...]
    more: bool
    unreadable: tuple[str, ...] = ()
    times: Mapping[str, TaskTimes] = field(default_factory=lambda: NO_TIMES)


def select_page(
    tasks: Iterable[Task],
    query: TaskQuery,
    is_late: Callable[[Task], bool],
    times: Mapping[str, TaskTimes] = NO_TIMES,
) -> TaskPage:
    """The page of `query` among `tasks`; `is_late` and `times` as of `matcher`."""
    matches = matcher(query, is_late, times)
    matching = [task for task in tasks if matches(task)]
    readable = [task for task in matching if task.unreadable is MISSING]
    unreadable = tuple(task.id for task in matching if task.unreadable is not MISSING)
    readable.sort(key=lambda task: (task_sort_key(task, query.order), task.id), reverse=not ascends(query.order))
    after = query.after
    rest = readable if after is None else [task for task in readable if _follows(task, after, query.order)]
    shown = tuple(rest[: query.limit])
    known = {task.id: times[task.id] for task in shown if task.id in times}
    return TaskPage(shown, len(rest) > query.limit, unreadable, known)


def _follows(task: Task, after: tuple[str, str], order: Order) -> bool:
    """Whether the task comes after the position `after`, the end of the previous page."""
    position: tuple[object, ...] = (task_sort_key(task, order), task.id)
    return position != after and (position > after) is ascends(order)
