"""Picking one page out of tasks that are all at hand, for backends that cannot filter by themselves; pure."""

from collections.abc import Callable, Iterable

from taskhand.domain.due import due_of
from taskhand.domain.names import fold
from taskhand.domain.page import sort_key
from taskhand.domain.task import Order, Task, TaskPage, TaskQuery

__all__ = ["select_page"]


def select_page(tasks: Iterable[Task], query: TaskQuery, is_late: Callable[[Task], bool]) -> TaskPage:
    """The page of `query` among `tasks`; `is_late` says whether a task is unfinished and past due."""
    found = [task for task in tasks if _matches(task, query) and query.overdue in (None, is_late(task))]
    found.sort(key=lambda task: (sort_key(task, query.order), task.id), reverse=query.order != "due")
    after = query.after
    rest = found if after is None else [task for task in found if _follows(task, after, query.order)]
    return TaskPage(tuple(rest[: query.limit]), more=len(rest) > query.limit)


def _matches(task: Task, query: TaskQuery) -> bool:
    return (
        (query.responsible_ids is None or not set(query.responsible_ids).isdisjoint(task.responsible_ids))
        and (query.statuses is None or any(choice.met_by(task.status_config) for choice in query.statuses))
        and query.priority in (None, task.priority)
        and query.contact in (None, task.ai_contact_id, task.ai_customer_id)
        and (query.text is None or fold(query.text) in fold(f"{task.title} {task.description or ''}"))
        and _in_window(task, query)
    )


def _in_window(task: Task, query: TaskQuery) -> bool:
    """Whether the task is due on a day of the window, both ends included."""
    due = due_of(task)
    if due is None:
        return query.include_tasks_without_dates and not query.overdue
    day = due.day.isoformat()
    return (query.from_date is None or query.from_date <= day) and (query.to_date is None or day <= query.to_date)


def _follows(task: Task, after: tuple[str | int, str], order: Order) -> bool:
    """Whether the task comes after the last one of the page before."""
    own: tuple[object, ...] = (sort_key(task, order), task.id)
    return own != after and (own > after) is (order == "due")
