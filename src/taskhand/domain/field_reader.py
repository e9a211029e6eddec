"""Read the fields of a task one by one, so that an odd one leaves the others usable; pure.

A field that is not as the CRM documents it is null in the task, and `Task.unreadable` names it.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from taskhand.domain.task import Task

__all__ = ["ODD", "FieldReader", "unreadable_task", "with_unreadable"]

_T = TypeVar("_T")

ODD: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)
"""The exceptions that Python and its libraries raise for a value of an unexpected form."""


class FieldReader:
    """Reads the fields of one task; `unreadable` are the names of those that could not be read so far."""

    def __init__(self) -> None:
        self.unreadable: set[str] = set()

    def read(self, field: str, read: Callable[[], _T]) -> _T | None:
        """The value that `read` returns; None, and the field is marked unreadable, if the value has another form."""
        try:
            return read()
        except ODD:
            self.unreadable.add(field)
            return None

    def task(self, **values: Any) -> Task:
        """The task with these values of its fields; an empty id, or a value of another type, is unreadable."""
        if not values["id"]:
            self.unreadable.add("id")
        try:
            return self._task(values)
        except ValidationError as error:
            self.unreadable.update(str(one["loc"][0]) for one in error.errors(include_url=False, include_input=False))
            return self._task(values)

    def _task(self, values: dict[str, Any]) -> Task:
        if not self.unreadable:
            return Task(**values)
        nulls = dict.fromkeys(self.unreadable - {"id"})
        return Task(**values | nulls, unreadable=tuple(sorted(self.unreadable)))


def unreadable_task(task_id: str) -> Task:
    """A task whose id alone can be read."""
    fields = FieldReader()
    others = {
        "id",
        "is_all_day",
        "due_timezone",
        "url",
        "task_type",
        "deal_id",
        "also_linked",
        "resolution",
        "properties",
        "note",
        "note_id",
        "unreadable",
    }
    fields.unreadable.update(Task.model_fields.keys() - others)
    return fields.task(id=task_id, is_all_day=False, due_timezone=None)


def with_unreadable(task: Task, field: str) -> Task:
    """The task with one more field marked as unreadable."""
    return task.model_copy(update={field: None, "unreadable": (*task.unreadable_fields, field)})
