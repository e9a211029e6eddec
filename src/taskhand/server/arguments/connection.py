"""The argument `connection` of tools in a server with several CRM accounts."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from taskhand.domain.task import TaskDraft
from taskhand.domain.truncation import truncate
from taskhand.server.arguments.unknown import OUTERMOST_CONNECTION
from taskhand.server.tool import Tool
from taskhand.service.app_context import AppContext
from taskhand.service.connections import Connections, UnclearConnection
from taskhand.service.find_connection import CallIds, find_connection, unclear_connection

__all__ = ["CONNECTION", "connections_of_refused_call", "ids_in_arguments", "take_connection"]

CONNECTION: Final = "connection"
"""Its name."""

_ALL: Final = frozenset({"", "all", "*"})
_BODIES: Final = ("tasks", "changes", "filter")
_MAX_DESCRIPTION: Final = 60
"""Maximum length of a connection's description in a schema; list_connections shows it whole."""
_TASK_IDS: Final = ("id", "ids", "taskId", "taskIds")
_CHANGE_IDS: Final = ("planId", "changeId")
_ID_PROPERTY: Final = "idProperty"


def take_connection(
    arguments: Mapping[str, Any], connections: Connections, *, names: Collection[str] = (), may_be_all: bool = False
) -> tuple[str | None, dict[str, Any]]:
    """The connection that a call names, and its other arguments; UnclearConnection for anything but a name.

    Values that hosts fill in for an omitted argument count as omitted, and so do words for all connections if the tool
    then uses all (`may_be_all`). `names` are those of the caller's `connections` and of all others.
    """
    rest = {name: value for name, value in arguments.items() if name != CONNECTION}
    given = arguments.get(CONNECTION)
    if isinstance(given, list) and len(given) == 1:
        given = given[0]
    if given is None or given in ("", "null", [], {}):
        if any(CONNECTION in body for name in _BODIES for body in _objects(rest.get(name))):
            raise unclear_connection(connections, ids_in_arguments(rest), next_step=OUTERMOST_CONNECTION)
        return None, rest
    step = "Send one of the candidates as connection, or leave it out for all." if may_be_all else None
    if not isinstance(given, str):
        message = "connection must be the name of one connection."
        raise UnclearConnection(message, connections, code="invalid_arguments", next_step=step)
    name = given.strip()
    if not may_be_all or name.casefold() in {known_name.casefold() for known_name in names}:
        return name or None, rest
    if name.casefold() in _ALL:
        return None, rest
    raise UnclearConnection.of_unknown_name(name, connections, next_step=step)


def _objects(value: object) -> list[Mapping[str, Any]]:
    """The object, or those in the list."""
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, Mapping)]


async def connections_of_refused_call(
    connections: Connections, usable: Connections, arguments: Mapping[str, Any]
) -> tuple[AppContext | None, dict[str, Any]]:
    """The connection that a refused call is about, even if it is not the caller's `usable`, and its other arguments.

    The connection is None if the call does not determine it; then the arguments are returned as sent.
    """
    try:
        named, sent = take_connection(arguments, connections)
        ids = ids_in_arguments(sent)
        app = connections.find(named) if named else await find_connection(usable, None, ids) if usable.by_name else None
    except UnclearConnection:
        return None, dict(arguments)
    return app, sent


def needs_connection(tool: Tool[Any], connections: Connections) -> bool:
    """Whether no other argument of the tool determines the connection."""
    names = _argument_names(tool)
    every = [app.backend.capabilities for app in connections]
    by_form = len({capabilities.usual_id_pattern or capabilities.id_pattern for capabilities in every}) > 1
    return tool.run_everywhere is None and names.isdisjoint((*_CHANGE_IDS, *(_TASK_IDS if by_form else ())))


def _argument_names(tool: Tool[Any]) -> set[str]:
    return {field.alias or name for name, field in tool.arguments.model_fields.items()}


def _explains_connections(tool: Tool[Any]) -> bool:
    """Whether this tool's argument describes the connections: the tools that are called first do."""
    return tool.shows_tasks or issubclass(tool.arguments, TaskDraft)


def describe_connection(tool: Tool[Any], connections: Connections) -> str | None:
    """The description of the argument: the connections, in the tools that are called first, and when it is needed.

    None if a plan or a change determines the connection.
    """
    all_if_left_out = tool.run_everywhere is not None
    if _explains_connections(tool):
        return f"{_all_connections(connections)}{'; all if left out' if all_if_left_out else ''}"
    if all_if_left_out:
        return "All if left out"
    names = _argument_names(tool)
    if not names.isdisjoint(_CHANGE_IDS):
        return None
    if "tasks" in names:
        return "Beside tasks; see list_connections"
    if "filter" in names:
        return "Needed with filter"
    return "See list_connections" if names.isdisjoint(_TASK_IDS) else "The task's connection"


def _all_connections(connections: Connections) -> str:
    named = [
        (name, app.connection.title or app.connection.backend, app.connection.description)
        for name, app in connections.by_name.items()
    ]
    return "; ".join(
        f"{name}: {title}{', ' + truncate(about, _MAX_DESCRIPTION) if about else ''}" for name, title, about in named
    )


def ids_in_arguments(arguments: Mapping[str, Any]) -> CallIds:
    """The ids of tasks, changes and plans among the top-level arguments of a call."""
    are_values = arguments.get(_ID_PROPERTY) not in (None, "")
    return CallIds(_texts(arguments, _TASK_IDS), _texts(arguments, _CHANGE_IDS), are_values)


def _texts(arguments: Mapping[str, Any], names: tuple[str, ...]) -> list[str]:
    values = [arguments.get(name) for name in names]
    flat = [item for value in values for item in (value if isinstance(value, list) else [value])]
    texts = [str(item).strip() for item in flat if isinstance(item, str | int) and not isinstance(item, bool)]
    return [text for text in texts if text]
