"""A plain model of tasks: what a person expects of the tools, without any CRM; pure."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from behaviour.world import NOW, SANTIAGO

__all__ = ["Due", "ModelTask", "count_by", "differing", "in_santiago", "matches", "sort_key", "undone"]

_FIELDS: Final = ("title", "description", "due", "priority", "status", "people")
_FINISHED: Final = {"Completado", "Completed"}
_PRIORITIES: Final = ("low", "medium", "high")

Due = tuple[str, str | None, str | None]


@dataclass(frozen=True)
class ModelTask:
    """A task as the model has it; `number` is its place among those that were made; a task that is made again keeps it.

    `due` is a day, and a time with its zone if there is one.
    """

    number: int
    title: str = ""
    description: str | None = None
    due: Due | None = None
    priority: str = "1"
    status: str = ""
    people: frozenset[str] = frozenset()

    @property
    def shown(self) -> dict[str, Any]:
        """Its fields as the tools show them."""
        shown = None
        if self.due is not None:
            moment = self.due[0] if self.due[1] is None else _end(self.due).isoformat(timespec="minutes")
            shown = f"{moment} {date.fromisoformat(self.due[0]):%a}"
        return {
            "title": self.title,
            "description": self.description,
            "status": self.status,
            "due": shown,
            "priority": int(self.priority),
            "responsibles": sorted(self.people),
        }

    def shifted(self, days: int) -> "ModelTask":
        """The task with another day; one without a date stays as it is."""
        if self.due is None:
            return self
        day = date.fromisoformat(self.due[0]) + timedelta(days)
        return replace(self, due=(day.isoformat(), *self.due[1:]))


def in_santiago(due: Due) -> Due:
    """The same moment as a backend shows it that keeps no zones."""
    if due[1] is None:
        return due
    day, time = _end(due).astimezone(ZoneInfo(SANTIAGO)).isoformat(timespec="minutes")[:16].split("T")
    return day, time, SANTIAGO


def _end(due: Due) -> datetime:
    """The moment after which the task is overdue."""
    day, time, zone = due
    return datetime.fromisoformat(f"{day}T{time or '23:59:59'}").replace(tzinfo=ZoneInfo(zone or SANTIAGO))


def differing(before: ModelTask, after: ModelTask) -> dict[str, dict[str, Any]]:
    """The fields that a change has changed, as the tools show them."""
    old, new = before.shown, after.shown
    return {name: {"from": old[name], "to": new[name]} for name in old if old[name] != new[name]}


def undone(before: ModelTask, after: ModelTask, now: ModelTask) -> ModelTask:
    """The task after the undo of a change: each field that is as the change left it is as before again."""
    changed = {name for name in _FIELDS if getattr(before, name) != getattr(after, name)}
    kept = {name for name in changed if getattr(now, name) != getattr(after, name)}
    return replace(now, **{name: getattr(before, name) for name in changed - kept})


def matches(task: ModelTask, sent: Mapping[str, Any]) -> bool:
    """Whether a filter of `list_tasks` finds the task."""
    text = f"{task.title} {task.description or ''}".casefold()
    return all(
        (
            all(word in text for word in sent.get("text", "").casefold().split()),
            _is_one_of([task.status], sent.get("status")),
            _is_one_of([task.priority], sent.get("priority")),
            _is_one_of(task.people or ["nobody"], sent.get("responsibleIds")),
            _is_in_window(task, sent),
            not sent.get("withoutDate") or task.due is None,
            not sent.get("overdue") or _is_overdue(task),
        )
    )


def _is_one_of(values: Collection[str], wanted: Collection[str] | None) -> bool:
    return wanted is None or any(value in wanted for value in values)


def _is_in_window(task: ModelTask, sent: Mapping[str, Any]) -> bool:
    if task.due is None:
        return bool(sent.get("includeTasksWithoutDates", True))
    return bool(sent.get("fromDate", "") <= task.due[0] <= sent.get("toDate", "9999"))


def _is_overdue(task: ModelTask) -> bool:
    return task.due is not None and _end(task.due) < NOW and task.status not in _FINISHED


def sort_key(order: str, task: ModelTask) -> tuple[Any, ...]:
    """What `list_tasks` sorts by in the orders `due` and `priority`; tasks without a date come last."""
    due = (task.due is None, task.due and task.due[0])
    return due if order == "due" else (-int(task.priority), *due)


def count_by(field: str, tasks: Iterable[ModelTask]) -> dict[str, int]:
    """The numbers of tasks by status, priority or responsible."""
    return dict(Counter(group for task in tasks for group in _groups(field, task)))


def _groups(field: str, task: ModelTask) -> Collection[str]:
    if field == "responsible":
        return task.people or ["nobody"]
    return [task.status if field == "status" else _PRIORITIES[int(task.priority)]]
