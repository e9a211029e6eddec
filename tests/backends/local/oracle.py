"""The expected result of list_tasks, computed in plain Python over all tasks."""

import unicodedata
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from fixed_clock import NOW
from taskhand.domain.task import Task
from taskhand.domain.task_query import TaskQuery

__all__ = ["expected_ids", "plain"]


def expected_ids(tasks: list[Task], query: TaskQuery, default_zone: str) -> list[str]:
    """The ids of all tasks of all pages, in order."""
    found = sorted((task for task in tasks if _matches(task, query, default_zone)), key=lambda task: task.id)
    if query.order == "due":
        found.sort(key=lambda task: (task.due_at is None, _local(task) or ""))
    elif query.order == "oldest":
        found.sort(key=lambda task: (datetime.fromisoformat(str(task.created_at)), task.id))
    elif query.order == "created":
        found.sort(key=lambda task: (datetime.fromisoformat(str(task.created_at)), task.id), reverse=True)
    else:
        found.sort(key=lambda task: (-(task.priority or 0), task.due_at is None, _local(task) or ""))
    return [task.id for task in found]


def plain(text: str) -> str:
    """Letters without case and accents."""
    decomposed = unicodedata.normalize("NFD", text.lower())
    return "".join(letter for letter in decomposed if unicodedata.category(letter) != "Mn")


def _matches(task: Task, query: TaskQuery, default_zone: str) -> bool:
    status = task.status_config
    assert status is not None
    people = query.responsible_ids
    return all(
        (
            people is None
            or bool(set(people) & set(task.responsible_ids))
            or (query.of_nobody and not task.responsible_ids),
            _in_period(task, query),
            _in_window(task, query),
            query.statuses is None or status.id in [choice.id for choice in query.statuses],
            all(word in plain(f"{task.title} {task.description or ''}") for word in plain(query.text or "").split()),
            query.priority is None or task.priority == query.priority,
            query.contact is None or query.contact in (task.ai_contact_id, task.ai_customer_id),
            query.overdue is None or query.overdue == (status.type != "done" and _past(task, default_zone)),
        )
    )


def _in_period(task: Task, query: TaskQuery) -> bool:
    """Tasks here are never changed: those that are done were finished when they were created."""
    if (period := query.period) is None:
        return True
    at, status = datetime.fromisoformat(str(task.created_at)), task.status_config
    is_known = period.moment != "completed" or (status is not None and status.type == "done")
    return is_known and (period.start or at) <= at and (period.end is None or at < period.end)


def _in_window(task: Task, query: TaskQuery) -> bool:
    local = _local(task)
    if local is None:
        return query.without_date or query.include_tasks_without_dates
    return not query.without_date and (query.from_date or "0") <= local[:10] <= (query.to_date or "9")


def _past(task: Task, default_zone: str) -> bool:
    if task.due_at is None:
        return False
    if not task.is_all_day:
        return datetime.fromisoformat(task.due_at) < NOW
    return task.due_at[:10] < NOW.astimezone(ZoneInfo(task.due_timezone or default_zone)).date().isoformat()


def _local(task: Task) -> str | None:
    """The day, or the day and time on the clock of the task's zone."""
    if task.due_at is None or task.is_all_day:
        return task.due_at and task.due_at[:10]
    zone = ZoneInfo(task.due_timezone) if task.due_timezone else UTC
    return datetime.fromisoformat(task.due_at).astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S")
