"""Find the ids of tasks that are named by the values of a unique property of the CRM's own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import MISSING

from taskhand.domain.errors import NotFound, TaskhandError
from taskhand.service.app_context import AppContext

__all__ = ["TaskIds", "find_id_by_property", "find_ids"]


@dataclass(frozen=True, slots=True)
class TaskIds:
    """The ids of tasks; `missing` are values that no task has, each with its error."""

    ids: tuple[str, ...]
    missing: Mapping[str, TaskhandError] = field(default_factory=dict)


async def find_id_by_property(app: AppContext, value: str, id_property: str) -> str:
    """The id of the task with this value of a property; NotFound."""
    tasks = await find_ids(app, [value], id_property)
    if tasks.missing:
        raise tasks.missing[value]
    return tasks.ids[0]


async def find_ids(app: AppContext, values: Sequence[str], id_property: str | MISSING) -> TaskIds:
    """The ids of the tasks with these values of a property, or the values themselves if none is named.

    CallerError if the values of the property are not unique, NotAllowed for more than the caller may change.
    """
    app.principal.rules.check_number(len({value.casefold() for value in values}))
    own_properties = app.backend.properties
    if id_property is MISSING or own_properties is None:
        return TaskIds(tuple(values))
    ids = await own_properties.find_ids(id_property, values)
    missing = {value: _missing_error(id_property, value) for value in values if value not in ids}
    return TaskIds(tuple(ids[value] for value in values if value in ids), missing)


def _missing_error(name: str, value: str) -> NotFound:
    return NotFound(
        f"There is no task whose {name} is {value[:60]!r}.",
        code="task_not_found",
        next_step="Call list_tasks to find the task's id, and send it without idProperty.",
    )
