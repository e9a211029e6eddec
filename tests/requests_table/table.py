"""The number of CRM requests that each tool makes.

docs/backends.md shows the table. `test_requests` compares it with the requests that the sandboxes receive.
"""

from typing import Final, NamedTuple

__all__ = ["CRMS", "ROWS", "Requests", "Row", "requests_table"]


class Requests(NamedTuple):
    """The requests of one call: in a new process (`cold`), and of a second call on another task (`warm`)."""

    cold: int
    warm: int


class Row(NamedTuple):
    """A tool, its requests on each CRM, and the arguments that the numbers hold for, in words."""

    tool: str
    vambe: Requests
    close: Requests
    hubspot: Requests
    arguments: str = ""


CRMS: Final = tuple(name for name in Row._fields if name not in {"tool", "arguments"})

ROWS: Final = (
    Row("list_statuses", Requests(1, 0), Requests(0, 0), Requests(1, 0)),
    Row("list_team_members", Requests(1, 0), Requests(2, 0), Requests(1, 0)),
    Row("list_tasks", Requests(2, 0), Requests(2, 1), Requests(4, 1), "no filter"),
    Row("get_task", Requests(1, 0), Requests(1, 1), Requests(4, 1)),
    Row("find_contacts", Requests(1, 1), Requests(1, 1), Requests(5, 5), "by name"),
    Row("create_task", Requests(2, 1), Requests(3, 1), Requests(5, 2), "for a person by name"),
    Row("create_tasks", Requests(11, 10), Requests(12, 10), Requests(5, 2), "10 for a person by name"),
    Row("update_task", Requests(2, 1), Requests(2, 2), Requests(5, 3), "the title"),
    Row("complete_task", Requests(2, 1), Requests(2, 2), Requests(5, 3)),
    Row("reassign_task", Requests(3, 1), Requests(4, 2), Requests(6, 3), "to a person by name"),
    Row("bulk_update_tasks", Requests(12, 11), Requests(5, 3), Requests(8, 5), "10 tasks to a person by name"),
    Row("delete_task", Requests(1, 1), Requests(1, 1), Requests(18, 6), "stops at a plan"),
    Row("apply_plan", Requests(4, 4), Requests(3, 3), Requests(20, 8), "of one deletion"),
    Row("list_changes", Requests(1, 0), Requests(1, 0), Requests(1, 0)),
    Row("undo_change", Requests(2, 2), Requests(2, 2), Requests(5, 3), "of one update"),
    Row("list_events", Requests(2, 1), Requests(10, 9), Requests(11, 2), "if nothing has changed"),
)
"""One row for each tool, in the order of the tool list."""


def requests_table() -> str:
    """The table as Markdown."""
    lines = ["| tool | " + " | ".join(CRMS) + " |", "| --- " * (len(CRMS) + 1) + "|"]
    for row in ROWS:
        cells = [f"{made.cold} / {made.warm}" for made in (getattr(row, crm) for crm in CRMS)]
        lines.append(f"| `{row.tool}`{row.arguments and f', {row.arguments}'} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
