"""Suggestions for the name of an unknown argument: another argument, or another tool; pure."""

from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Final

__all__ = ["nearest_names", "other_tool"]

_LIKE: Final = 0.6
_ALIKE: Final = 0.78
"""Minimum similarity of a typo to the intended name: a short name has 0.6 with many others."""
_WORD: Final = len("due")
"""Minimum length of a name that is found inside a longer one."""

_FINISHES: Final = "complete_task"
_SEVERAL: Final = "bulk_update_tasks"
_OF_SEVERAL: Final = frozenset({"ids", "taskids"})
_TOOLS: Final = {
    **dict.fromkeys(("delete", "deleted", "borrar", "eliminar"), "delete_task"),
    **dict.fromkeys(("done", "isdone", "finish", "finished", "complete", "completed", "iscomplete"), _FINISHES),
    **dict.fromkeys(("iscompleted", "hecho", "terminada", "completada", "completar"), _FINISHES),
    **dict.fromkeys(_OF_SEVERAL, _SEVERAL),
    **dict.fromkeys(("undo", "deshacer"), "undo_change"),
}
"""The tool that does what an argument asks for, by the normalized name of the argument."""
_DOES: Final = {
    "delete_task": "deletes tasks",
    _FINISHES: "finishes a task",
    _SEVERAL: "changes several tasks at once, with taskIds and changes",
    "undo_change": "undoes a change",
}


def nearest_names(squeezed: str, known: Iterable[str]) -> list[str]:
    """At most three of the normalized names that may be intended: similar, or one contained in the other."""

    def likeness(name: str) -> float:
        return SequenceMatcher(None, name, squeezed).ratio()

    near = [name for name in known if likeness(name) >= (_LIKE if _is_part(name, squeezed) else _ALIKE)]
    return sorted(near, key=likeness, reverse=True)[:3]


def other_tool(tool: str, squeezed: str, known: Iterable[str], *, finished_by: str | None) -> str | None:
    """The tool to call in place of sending this argument; None if there is none.

    `known` are the normalized arguments of the tool. `finished_by` is the dotted argument that finishes several tasks;
    None if the tool has none.
    """
    meant = _TOOLS.get(squeezed)
    if meant is None or (meant == _SEVERAL and not _OF_SEVERAL.isdisjoint(known)):
        return None
    if meant == _SEVERAL and tool == "get_task":
        return f"{tool} takes one task: send id, once for each."
    if meant == tool:
        return f"Leave it out: {tool} {_DOES[meant]}."
    if meant == _FINISHES and finished_by is not None:
        return f"Send {finished_by} with a finished status instead."
    return f"Call {meant} instead: it {_DOES[meant]}."


def _is_part(one: str, other: str) -> bool:
    return min(len(one), len(other)) >= _WORD and (one in other or other in one)
