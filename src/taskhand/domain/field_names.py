"""The names under which a field of an edit is known: in requests, in answers and in rows; pure."""

from typing import Any, Final

from taskhand.domain.due import Due
from taskhand.domain.edit import FIELDS, Edit, without
from taskhand.domain.properties import property_field, property_name
from taskhand.domain.task import StatusChoice

__all__ = ["argument_name", "edit_field", "request_body"]

_ARGUMENTS: Final = {"due": "dueDate", "responsible_ids": "responsibleIds", "note": "addNote"}
"""The argument of a request that sets a field of an edit, if it has another name."""

_ALIASES: Final = {
    "due": ("dueDate", "dueTime", "timezone", "due_at", "is_all_day", "due_timezone", "shiftDueDays"),
    "responsible_ids": (
        *("responsibles", "responsible", "task_responsibles"),
        *("addResponsibleIds", "removeResponsibleIds"),
    ),
    "status": ("newStatusName", "newStatusPosition", "status_config", "task_status_config_id"),
    "description": ("addNote",),
}


def _fold(name: str) -> str:
    return name.replace("_", "").casefold()


_BY_NAME: Final = {_fold(name): name for name in FIELDS} | {
    _fold(alias): name for name, aliases in _ALIASES.items() for alias in aliases
}


def edit_field(name: str) -> str | None:
    """The field of an edit that has this name, in snake_case or camelCase; None for any other name."""
    return name if property_name(name) else _BY_NAME.get(_fold(name))


def argument_name(field: str) -> str:
    """The argument of a request that sets this field of an edit; `status`, which two arguments set."""
    if property_name(field) is not None:
        return field
    first, *rest = _ARGUMENTS.get(field, field).split("_")
    return first + "".join(word.capitalize() for word in rest)


def request_body(edit: Edit) -> dict[str, Any]:
    """The arguments of update_task that set the fields of an edit."""
    body: dict[str, Any] = {}
    clear: list[str] = []
    if properties := [
        (name, value) for field, value in edit.given_fields() if (name := property_name(field)) is not None
    ]:
        body["properties"] = [{"name": name, "value": value} for name, value in properties]
    for name, value in without(edit, *(property_field(name) for name, _ in properties)).given_fields():
        if name == "note" and value is None:  # no request takes a note away
            continue
        match value:
            case int() | None if name == "priority":  # none is shown as the lowest, and no request takes it away
                body[name] = str(value or 0)
            case None:
                clear.append(argument_name(name))
            case Due():
                body |= {"dueDate": str(value)} | ({"timezone": value.zone} if value.zone else {})
                clear += [] if value.at else ["dueTime"]
                clear += [] if value.zone else ["timezone"]
            case StatusChoice(name=None):
                body["newStatusPosition"] = value.position
            case StatusChoice():
                body["newStatusName"] = value.name
            case tuple():
                body[argument_name(name)] = list(value)
            case _:
                body[argument_name(name)] = value
    return body | ({"clear": clear} if clear else {})
