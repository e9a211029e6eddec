"""An example call of each tool, from which the tests of all tools make theirs."""

from collections.abc import Mapping
from typing import Any, Final

from taskhand.server.tools import TOOLS

__all__ = [
    "CHANGE",
    "DRAFT",
    "DUE_DATE",
    "ON_A_TASK",
    "PLAN",
    "REQUIRED",
    "TASK",
    "VALID",
    "calls_on",
    "creating_calls",
    "fill_in",
    "names_a_task",
]

TASK, PLAN, CHANGE = "{task}", "{plan}", "{change}"
"""Stand for the ids of an unfinished task that is due on a day, of a plan to change it, and of a change of it."""

DUE_DATE: Final = "2026-03-10"
"""The day on which the task is due."""

DRAFT: Final[dict[str, Any]] = {"title": "Call Acme", "responsibleIds": ["me"], "priority": "1"}

VALID: Final[dict[str, dict[str, Any]]] = {
    "list_statuses": {},
    "list_team_members": {},
    "list_tasks": {"limit": 5},
    "get_task": {"id": TASK},
    "find_contacts": {"query": "acme"},
    "create_task": DRAFT,
    "create_tasks": {"tasks": [DRAFT | {"title": "Several"}]},
    "update_task": {"id": TASK, "title": "Never to be seen"},
    "complete_task": {"id": TASK},
    "reassign_task": {"id": TASK, "responsibleIds": [], "mode": "replace"},
    "bulk_update_tasks": {"taskIds": [TASK], "changes": {"title": "Never to be seen"}},
    "delete_task": {"id": TASK},
    "apply_plan": {"planId": PLAN},
    "list_changes": {"limit": 5},
    "list_events": {"limit": 5},
    "undo_change": {"changeId": CHANGE},
}
"""A call of each tool that succeeds."""

_ONE_OF_SEVERAL: Final = {"bulk_update_tasks": ("taskIds", "changes"), "delete_task": ("id",)}
"""Optional arguments that the example cannot be without: another argument could take their place."""

REQUIRED: Final[dict[str, tuple[str, ...]]] = {
    tool.name: (
        *(str(field.alias) for field in tool.arguments.model_fields.values() if field.is_required()),
        *_ONE_OF_SEVERAL.get(tool.name, ()),
    )
    for tool in TOOLS
}
"""The arguments that the example of each tool cannot be without."""


def fill_in(value: Any, ids: Mapping[str, str]) -> Any:
    """Arguments with ids in the place of TASK, PLAN and CHANGE."""
    match value:
        case str():
            return ids.get(value, value)
        case list():
            return [fill_in(item, ids) for item in value]
        case dict():
            return {name: fill_in(inner, ids) for name, inner in value.items()}
        case _:
            return value


def calls_on(task_id: str, person: str | None = None) -> dict[str, dict[str, Any]]:
    """The example of each tool that is called with a task, with this task.

    `person` is who becomes responsible, where a task has one person; None leaves it to nobody, where it has several.
    """
    calls = {tool.name: fill_in(VALID[tool.name], {TASK: task_id}) for tool in ON_A_TASK}
    if person is not None:
        for arguments in calls.values():
            if arguments.pop("mode", None) is not None:
                arguments["responsibleIds"] = [person]
    return calls


def creating_calls(**more: Any) -> dict[str, dict[str, Any]]:
    """The example of each tool that makes tasks, with more fields in each new task, or other values of its fields."""

    def with_more(value: Any) -> Any:
        match value:
            case {"title": _}:
                return value | more
            case list():
                return [with_more(item) for item in value]
            case dict():
                return {name: with_more(inner) for name, inner in value.items()}
            case _:
                return value

    return {tool.name: with_more(VALID[tool.name]) for tool in TOOLS if tool.kind == "create"}


def names_a_task(tool: str) -> bool:
    """Whether the example names a task, a plan or a change."""
    marked = {TASK: "", PLAN: "", CHANGE: ""}
    return bool(fill_in(VALID[tool], marked) != VALID[tool])


ON_A_TASK: Final = tuple(tool for tool in TOOLS if fill_in(VALID[tool.name], {TASK: ""}) != VALID[tool.name])
"""The tools whose examples are about a task."""
