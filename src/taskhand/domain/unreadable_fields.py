"""Reads the fields of a task one by one, so that an unreadable one leaves the others usable; pure.

A field that is not as the CRM documents it is null in the task, and `Task.unreadable` names it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from taskhand.domain.due import due_fields
from taskhand.domain.edit import SHOWN_AS
from taskhand.domain.task import Task

__all__ = ["ODD", "Readers", "task_from", "unreadable_task", "with_unreadable"]

ODD: Final = (
    ArithmeticError,  # OverflowError: a time after the year 9999
    AssertionError,  # HTMLParser: a declaration such as "<![1]>"
    AttributeError,  # a list in place of an object
    LookupError,  # no such field or zone
    OSError,  # ZoneInfo: a zone named like a folder, or too long
    RecursionError,  # too deep a value
    TypeError,
    ValueError,
)
"""The exceptions that Python and its libraries raise for a value of an unexpected form."""
_EMPTY: Final[Mapping[str, Any]] = {
    name: False if name == "is_all_day" else None for name, field in Task.model_fields.items() if field.is_required()
}
"""The documented fields of a task about which nothing is known."""

_FIELDS_OF: Final[Mapping[str, Callable[[Any], Mapping[str, object]]]] = {
    "due": due_fields,
    "status": lambda status: {"status_config": status, "task_status_config_id": status and status.id},
    "responsible_ids": lambda ids: {"task_responsibles": [{"responsible_id": person_id} for person_id in ids]},
}
"""The fields of a task that show the value which an edit has for a field, if that is not the field of the same name."""

_Row = TypeVar("_Row")
Readers = Mapping[str, Callable[[_Row], object]]
"""Functions that read fields of a task from its row, by the field's name in an edit, or in a task if no edit has it."""


def task_from(
    task_id: str,
    row: _Row,
    readers: Readers[_Row],
    fields: Mapping[str, object] = {},
    unreadable: Iterable[str] = (),
) -> Task:
    """The task whose fields the `readers` read from `row`; a field is null and marked unreadable if its reader fails.

    The readers of `due`, `status` and `responsible_ids` return the values that an edit has for them (a Due or None, a
    Status or None, ids), and set all fields of the task that show these. `fields` are the values of further
    fields, and `unreadable` the names of those that cannot be read. An empty id, or a value of another type, is
    unreadable too.
    """
    values, odd = dict(_EMPTY, id=task_id), set(unreadable)
    if not task_id:
        odd.add("id")
    for name, read in readers.items():
        try:
            if name in _FIELDS_OF:
                values |= _FIELDS_OF[name](read(row))
            else:
                values[name] = read(row)
        except ODD:
            odd.add(SHOWN_AS.get(name, name))
    values |= fields
    try:
        return _task(values, odd)
    except ValidationError as error:
        odd.update(str(detail["loc"][0]) for detail in error.errors(include_url=False, include_input=False))
        return _task(values, odd)


def _task(values: dict[str, Any], unreadable: set[str]) -> Task:
    if not unreadable:
        return Task(**values)
    nulls = dict.fromkeys(unreadable - {"id"})
    return Task(**values | nulls, unreadable=tuple(sorted(unreadable)))


def unreadable_task(task_id: str) -> Task:
    """A task whose id alone can be read."""
    return task_from(task_id, None, {}, unreadable=_EMPTY.keys() - {"id", "is_all_day", "due_timezone"})


def with_unreadable(task: Task, field: str) -> Task:
    """The task with one more field marked as unreadable."""
    return task.model_copy(update={field: None, "unreadable": (*task.unreadable_fields, field)})
