"""How many upstream requests each tool makes: on a fresh process (cold), and when it is called again (warm).

What the README shows; `test_requests` holds it to what the sandboxes are really asked.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

__all__ = ["CALLS", "REQUESTS", "Requests", "requests_table"]


class Requests(NamedTuple):
    """Upstream requests of one call."""

    cold: int
    warm: int


CALLS: Final[Mapping[str, str]] = {
    "list_statuses": "",
    "list_team_members": "",
    "list_tasks": "no filter",
    "get_task": "",
    "find_contacts": "by name",
    "create_task": "for a person by name",
    "update_task": "the title",
    "complete_task": "",
    "reassign_task": "to a person by name",
    "bulk_update_tasks": "10 tasks to a person by name",
    "delete_task": "stops at a plan",
    "apply_plan": "of one deletion",
    "list_changes": "",
    "undo_change": "of one update",
}
"""The tools, and what is asked of them."""

REQUESTS: Final[Mapping[str, Mapping[str, Requests]]] = {
    "vambe": {
        "list_statuses": Requests(1, 0),
        "list_team_members": Requests(1, 0),
        "list_tasks": Requests(2, 0),
        "get_task": Requests(1, 0),
        "find_contacts": Requests(1, 1),
        "create_task": Requests(2, 1),
        "update_task": Requests(2, 1),
        "complete_task": Requests(2, 1),
        "reassign_task": Requests(3, 1),
        "bulk_update_tasks": Requests(12, 11),
        "delete_task": Requests(1, 1),
        "apply_plan": Requests(2, 2),
        "list_changes": Requests(0, 0),
        "undo_change": Requests(2, 2),
    },
    "close": {
        "list_statuses": Requests(0, 0),
        "list_team_members": Requests(2, 0),
        "list_tasks": Requests(2, 1),
        "get_task": Requests(1, 1),
        "find_contacts": Requests(1, 1),
        "create_task": Requests(3, 1),
        "update_task": Requests(2, 2),
        "complete_task": Requests(2, 2),
        "reassign_task": Requests(4, 2),
        "bulk_update_tasks": Requests(5, 3),
        "delete_task": Requests(1, 1),
        "apply_plan": Requests(2, 2),
        "list_changes": Requests(0, 0),
        "undo_change": Requests(2, 2),
    },
    "hubspot": {
        "list_statuses": Requests(1, 0),
        "list_team_members": Requests(1, 0),
        "list_tasks": Requests(6, 3),
        "get_task": Requests(3, 1),
        "find_contacts": Requests(2, 2),
        "create_task": Requests(5, 2),
        "update_task": Requests(5, 3),
        "complete_task": Requests(5, 3),
        "reassign_task": Requests(6, 3),
        "bulk_update_tasks": Requests(7, 4),
        "delete_task": Requests(3, 1),
        "apply_plan": Requests(4, 2),
        "list_changes": Requests(0, 0),
        "undo_change": Requests(5, 3),
    },
}
"""By backend, then by tool."""


def requests_table() -> str:
    """The table as Markdown."""
    rows = ["| tool | " + " | ".join(REQUESTS) + " |", "| --- " * (len(REQUESTS) + 1) + "|"]
    for tool, asked in CALLS.items():
        cells = [f"{made[tool].cold} / {made[tool].warm}" for made in REQUESTS.values()]
        rows.append(f"| `{tool}`{asked and f', {asked}'} | " + " | ".join(cells) + " |")
    return "\n".join(rows)
