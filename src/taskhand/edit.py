"""What a write asks for, resolved: ids for names, a due value for three fields. Every backend is given this."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

from pydantic import MISSING

from taskhand.due import Due, due_of
from taskhand.task import StatusChoice, Task

__all__ = ["Edit", "seen"]


@dataclass(frozen=True, slots=True)
class Edit:
    """The fields of a task that a write sets; `MISSING` leaves one alone."""

    title: str | MISSING = MISSING
    description: str | None | MISSING = MISSING
    due: Due | None | MISSING = MISSING
    responsible_ids: tuple[str, ...] | MISSING = MISSING
    ai_contact_id: str | None | MISSING = MISSING
    ai_customer_id: str | None | MISSING = MISSING
    priority: int | MISSING = MISSING
    status: StatusChoice | MISSING = MISSING

    def given(self) -> Iterator[tuple[str, object]]:
        """The fields that are set, with their values."""
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not MISSING:
                yield field.name, value

    def unmet_by(self, task: Task, *, written: bool = False, sure_of_due: bool = True) -> "Edit":
        """The part of this edit that `task` does not show, nor certainly shows.

        Of a task just `written`, a zone that nobody asked for may be any.
        """
        shown = [name for name, value in self.given() if _shows(task, name, value, written=written)]
        return replace(self, **{name: MISSING for name in shown if sure_of_due or name != "due"})


def seen(task: Task, name: str) -> object:
    """What `task` shows in a field of an edit."""
    match name:
        case "due":
            return due_of(task)
        case "status":
            return task.status_config
        case _:
            return getattr(task, name)


def _shows(task: Task, name: str, value: object, *, written: bool) -> bool:
    """Whether `task` already has `value` in that field; the order of people does not count."""
    match name, value:
        case "due", Due(zone=None) if written and (due := due_of(task)) is not None:
            return (due.day, due.at) == (value.day, value.at)
        case "due", _:
            return due_of(task) == value
        case "responsible_ids", tuple():
            return set(task.responsible_ids) == set(value)
        case "status", StatusChoice():
            return value.met_by(task.status_config)
        case _:
            return seen(task, name) == value
