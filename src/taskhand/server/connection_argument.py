"""The argument `connection`, which tools take where a server serves several CRM accounts; pure."""

from collections.abc import Mapping
from typing import Any, Final

from taskhand.domain.task import TaskDraft
from taskhand.domain.text import truncate
from taskhand.server.tool import Tool
from taskhand.service.connections import Connections, UnclearConnection

__all__ = ["CONNECTION", "ids_in", "take_connection"]

CONNECTION: Final = "connection"
"""Its name."""

_LONGEST: Final = 60
"""Characters of a description in a schema; list_connections has it whole."""
_TASK_IDS: Final = ("id", "ids", "taskId", "taskIds")
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


def needs_connection(tool: Tool[Any], connections: Connections) -> bool:
    """Whether no other argument of the tool can tell which connection is meant."""
    names = {field.alias or name for name, field in tool.arguments.model_fields.items()}
    by_form = len({app.backend.capabilities.id_pattern for app in connections}) > 1
    return tool.run_everywhere is None and names.isdisjoint((*_CHANGE_IDS, *(_TASK_IDS if by_form else ())))


def explains_connections(tool: Tool[Any]) -> bool:
    """Whether the argument of this tool says what each connection is: those that are called first say it."""
    return tool.shows_tasks or issubclass(tool.arguments, TaskDraft)


def describe_connection(tool: Tool[Any], connections: Connections) -> str:
    """What the argument says: what the connections are, in the tools that are called first, and when it is needed."""
    clauses = [_all_connections(connections)] if explains_connections(tool) else []
    if tool.run_everywhere is not None:
        clauses.append("all if left out" if clauses else "All if left out")
    elif not needs_connection(tool, connections):
        clauses.append("Needed where no id tells it")
    return f"{'; '.join(clauses or ['See list_connections'])}."


def _all_connections(connections: Connections) -> str:
    named = [(name, app.title or app.backend.name, app.description) for name, app in connections.by_name.items()]
    return "; ".join(
        f"{name}: {title}{', ' + truncate(about, _LONGEST) if about else ''}" for name, title, about in named
    )


def ids_in(arguments: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The ids of tasks, and those of changes and plans, among the arguments at the top of a call."""
    return _texts(arguments, _TASK_IDS), _texts(arguments, _CHANGE_IDS)


def _texts(arguments: Mapping[str, Any], names: tuple[str, ...]) -> list[str]:
    values = [arguments.get(name) for name in names]
    flat = [one for value in values for one in (value if isinstance(value, list) else [value])]
    return [one.strip() for one in flat if isinstance(one, str) and one.strip()]
