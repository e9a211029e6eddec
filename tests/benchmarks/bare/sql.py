"""A tool that does what an update does to the embedded store's own tables, and nothing else, as durably."""

import os
import sqlite3
from typing import Any

from mcp.server import MCPServer

server = MCPServer("bare")
connection = sqlite3.connect(os.environ["TASKHAND_DB"], isolation_level=None, check_same_thread=False)
connection.row_factory = sqlite3.Row
connection.execute("PRAGMA synchronous = FULL")


def _task(task_id: str) -> dict[str, Any]:
    row = connection.execute("SELECT * FROM task WHERE id = ?", (task_id,)).fetchone()
    statuses = {one["id"]: dict(one) for one in connection.execute("SELECT * FROM status")}
    people = connection.execute("SELECT * FROM task_responsible WHERE task_id = ? ORDER BY rank", (task_id,))
    named = [{"responsible_id": person["responsible_id"]} for person in people]
    return dict(row) | {"status_config": statuses[row["status_id"]], "task_responsibles": named}


@server.tool()
def update_task(id: str, title: str) -> dict[str, Any]:  # noqa: A002  the documented name
    """Set the title of a task."""
    connection.execute("BEGIN IMMEDIATE")
    before = _task(id)
    searchable = f"{title} {before['description'] or ''}".casefold()
    connection.execute("UPDATE task SET title = ?, searchable = ? WHERE id = ?", (title, searchable, id))
    task = _task(id)
    connection.execute("COMMIT")
    return task


server.run("stdio")
