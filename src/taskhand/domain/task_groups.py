"""Counts of tasks by group, and the groups of a task; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, tzinfo
from typing import Final, Literal

from taskhand.domain.due import due_of
from taskhand.domain.priority import PRIORITY_WORDS
from taskhand.domain.task import Task
from taskhand.domain.task_times import TaskTimes

__all__ = ["NOBODY", "CountBy", "TaskCount", "groups_of"]

CountBy = Literal["responsible", "status", "priority", "dueDay", "completedDay"]
"""The property by which tasks are grouped."""

NOBODY: Final = ""
"""The group of tasks without a responsible; the groups of people are named by member id."""
_WORDS: Final = {int(digit): word for word, digit in PRIORITY_WORDS.items()}


@dataclass(frozen=True, slots=True)
class TaskCount:
    """The number of tasks that match a filter, and the number in each group.

    A task with several responsibles is in the group of each. `unreadable` tasks may match and are in no group. `why` is
    the reason why not all tasks were counted, None if all were.
    """

    groups: Mapping[str, int]
    total: int
    unreadable: int = 0
    why: str | None = None


def groups_of(task: Task, times: TaskTimes, by: CountBy, zone: tzinfo) -> tuple[str, ...]:
    """The groups of a task: member ids, a status's name, a priority's word, or a day; `zone` is that of completions."""
    match by:
        case "responsible":
            return task.responsible_ids or (NOBODY,)
        case "status":
            return (task.status_config.name if task.status_config else "unknown",)
        case "priority":
            return (_WORDS[task.priority or 0],)
        case "dueDay":
            due = due_of(task)
            return (_day(due.day) if due else "no date",)
        case "completedDay":
            if times.completed:
                return (_day(times.completed.astimezone(zone).date()),)
            return ("day not known" if task.is_finished else "not finished",)


def _day(day: date) -> str:
    return f"{day} {day:%a}"
