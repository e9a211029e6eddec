"""The number of CRM requests that each tool makes: the file `requests.json`, and the table in docs/backends.md.

`tests/documents.py` counts and writes both, `test_requests` compares the file with what the sandboxes receive.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

__all__ = ["COUNTS", "FILE", "Counts", "Requests", "counts_text", "requests_table"]

FILE: Final = Path(__file__).parent / "requests.json"


class Requests(NamedTuple):
    """The requests of one call: in a new process (`cold`), and of a second call on another task (`warm`)."""

    cold: int
    warm: int


Counts = Mapping[str, Mapping[str, Requests]]
"""The requests by CRM and tool; a tool that a CRM does not have is left out."""


def _read() -> Counts:
    found: dict[str, dict[str, list[int]]] = json.loads(FILE.read_text(encoding="utf-8"))
    return {crm: {tool: Requests(*made) for tool, made in of_tool.items()} for crm, of_tool in found.items()}


COUNTS: Final = _read()

_WORDS: Final = {
    "list_tasks": "no filter",
    "find_contacts": "by name",
    "create_task": "for a person by name",
    "create_tasks": "10 for a person by name",
    "update_task": "the title",
    "reassign_task": "to a person by name",
    "bulk_update_tasks": "10 tasks to a person by name",
    "delete_task": "stops at a plan",
    "apply_plan": "of one deletion",
    "undo_change": "of one update",
    "list_events": "if nothing has changed",
}
"""The arguments that the numbers hold for, if they are not the required ones of the tool's example alone."""


def counts_text(counts: Counts) -> str:
    """The counts as the file has them: a line for each tool of a CRM."""
    crms = [
        f'  "{crm}": {{\n' + ",\n".join(f'    "{tool}": {json.dumps(made)}' for tool, made in of_tool.items()) + "\n  }"
        for crm, of_tool in counts.items()
    ]
    return "{\n" + ",\n".join(crms) + "\n}\n"


def requests_table(counts: Counts) -> str:
    """The table as Markdown."""
    lines = ["| tool | " + " | ".join(counts) + " |", "| --- " * (len(counts) + 1) + "|"]
    for tool in dict.fromkeys(tool for of_tool in counts.values() for tool in of_tool):
        made = [of_tool.get(tool) for of_tool in counts.values()]
        cells = [f"{one.cold} / {one.warm}" if one else "none" for one in made]
        words = _WORDS.get(tool)
        lines.append(f"| `{tool}`{f', {words}' if words else ''} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
