"""The argument `connection`, which tools take where a server serves several CRM accounts; pure."""

from collections.abc import Mapping
from typing import Any, Final

from taskhand.service.connections import Connections, UnclearConnection

__all__ = ["CONNECTION", "ids_in", "take_connection"]

CONNECTION: Final = "connection"
"""Its name."""

_TASK_IDS: Final = ("id", "taskId", "taskIds")
_CHANGE_IDS: Final = ("planId", "changeId")


def take_connection(arguments: Mapping[str, Any], connections: Connections) -> tuple[str | None, dict[str, Any]]:
    """The connection that a call names, and its other arguments; UnclearConnection for anything but a name.

    What hosts fill in for an argument that was left out counts as not given.
    """
    rest = {name: value for name, value in arguments.items() if name != CONNECTION}
    given = arguments.get(CONNECTION)
    if isinstance(given, list) and len(given) == 1:
        given = given[0]
    if given is None or given in ("", "null", [], {}):
        return None, rest
    if not isinstance(given, str):
        raise UnclearConnection("connection must be the name of one connection.", connections, code="invalid_arguments")
    return given.strip() or None, rest


def ids_in(arguments: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The ids of tasks, and those of changes and plans, among the arguments at the top of a call."""
    return _texts(arguments, _TASK_IDS), _texts(arguments, _CHANGE_IDS)


def _texts(arguments: Mapping[str, Any], names: tuple[str, ...]) -> list[str]:
    values = [arguments.get(name) for name in names]
    flat = [one for value in values for one in (value if isinstance(value, list) else [value])]
    return [one.strip() for one in flat if isinstance(one, str) and one.strip()]
