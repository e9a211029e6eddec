"""Answers of comparable servers, built with our tasks as their published code builds them; pure.

The peers publish real output schemas: `@doist/todoist-mcp` 11.0.0, `recruit-crm-mcp` 0.19.0 and
`@tacticlaunch/mcp-linear` 1.4.3. Their services cannot be asked for the same 25 tasks. The answers here have the same
titles, dates and people, ids of each service's own form, and empty fields where our tasks have none. Additional prose
is left out, in their favour.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["PEERS", "Peer", "compact_json", "tokens"]

Row = Mapping[str, Any]
"""A row of our `list_tasks`: id, title, status, due, priority, responsibles."""

_ID, _UUID = "6X7rM8997g3RQmvh", "0c9cbb57-8a6e-4a0f-9d2f-8c6f7a1b2e3d"


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer: the tokens of its tool list (all that is sent), of a page of rows, of the answer to an update."""

    name: str
    tool_list: int
    page: Callable[[Sequence[Row]], float]
    write: Callable[[Row], float]


def tokens(*texts: str) -> float:
    """The tokens of texts, at four characters a token."""
    return sum(map(len, texts)) / 4


def compact_json(value: object) -> str:
    """The JSON of a value without needless spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _twice(value: object) -> float:
    """The tokens of the text and of its structured copy."""
    return tokens(compact_json(value), compact_json(value))


def _todoist_task(row: Row) -> dict[str, Any]:
    return {
        "id": _ID,
        "content": row["title"],
        "description": "",
        **({"dueDate": row["due"]} if row["due"] else {}),
        "recurring": False,
        "priority": "p2",
        "projectId": _ID,
        "labels": [],
        **({"responsibleUid": "12345678"} if row["responsibles"] else {}),
        "checked": False,
    }


def _todoist_page(rows: Sequence[Row]) -> float:
    page = {"tasks": [*map(_todoist_task, rows)], "nextCursor": _ID, "totalCount": len(rows), "hasMore": True}
    return _twice(page)


def _todoist_write(row: Row) -> float:
    return _twice({"tasks": [_todoist_task(row)], "totalCount": 1, "updatedTaskIds": [_ID]})


def _recruit_task(row: Row) -> dict[str, Any]:
    return {
        "id": 1_234_567,
        "title": row["title"],
        "task_type": "To Do",
        "status": 1,
        "start_date": row["due"],
        "related_to": None,
        "related_to_type": None,
        "related_to_name": None,
        "owner": 12_345,
        "reminder_date": None,
    }


def _recruit_page(rows: Sequence[Row]) -> float:
    return _twice({"result": [*map(_recruit_task, rows)]})


def _recruit_write(row: Row) -> float:
    return _twice({"kind": "task", "id": "1234567", "title": row["title"], "url": None})


def _linear_task(row: Row) -> dict[str, Any]:
    return {
        "id": _UUID,
        "title": row["title"],
        "description": None,
        "state": {"id": _UUID, "name": row["status"], "color": "#60a5fa", "type": "unstarted"},
        "priority": row["priority"],
        "estimate": None,
        "dueDate": row["due"],
        "team": {"id": _UUID, "name": "Sales"},
        "assignee": {"id": _UUID, "name": row["responsibles"][0]} if row["responsibles"] else None,
        "project": None,
    }


def _linear_twice(value: object, *, listed: bool) -> float:
    return tokens(json.dumps(value, indent=2, ensure_ascii=False), compact_json({"items": value} if listed else value))


def _linear_page(rows: Sequence[Row]) -> float:
    return _linear_twice([*map(_linear_task, rows)], listed=True)


def _linear_write(row: Row) -> float:
    url = "https://linear.app/acme/issue/SAL-123/call-acme"
    return _linear_twice({"id": _UUID, "title": row["title"], "description": None, "url": url}, listed=False)


PEERS: Final = (
    Peer("Todoist", 36_103, _todoist_page, _todoist_write),
    Peer("Recruit CRM", 17_657, _recruit_page, _recruit_write),
    Peer("Linear (tacticlaunch)", 59_293, _linear_page, _linear_write),
)
