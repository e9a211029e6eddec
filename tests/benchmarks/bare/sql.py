"""A tool that only runs the SQL of an update on the built-in store, with the same durability.

`update_task` also runs the SQL of the journal, in a file of its own: the intent before, the outcome after.
`update_task_alone` runs only the SQL of the task.
"""

import os
import sqlite3
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

from mcp.server import MCPServer

if TYPE_CHECKING:
    from collections.abc import Iterator

server = MCPServer("bare")
numbers = count(1)
BODY = "x" * 900  # about the size of a row of ours


def opened(path: str) -> sqlite3.Connection:
    """A connection whose writes survive a power cut."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA synchronous = FULL")
    return connection


tasks = opened(os.environ["TASKHAND_DB"])
journal = opened(os.environ["BENCH_JOURNAL"])


@contextmanager
def transaction(connection: sqlite3.Connection) -> "Iterator[None]":
    """All or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.execute("COMMIT")


def task_of(task_id: str) -> dict[str, Any]:
    """A task with its status and people."""
    row = tasks.execute("SELECT * FROM task WHERE id = ?", (task_id,)).fetchone()
    statuses = {one["id"]: dict(one) for one in tasks.execute("SELECT * FROM status")}
    people = tasks.execute("SELECT * FROM task_responsible WHERE task_id = ? ORDER BY rank", (task_id,))
    named = [{"responsible_id": person["responsible_id"]} for person in people]
    return dict(row) | {"status_config": statuses[row["status_id"]], "task_responsibles": named}


def changed(task_id: str, title: str) -> dict[str, Any]:
    """The task with another title."""
    with transaction(tasks):
        before = task_of(task_id)
        searchable = f"{title} {before['description'] or ''}".casefold()
        tasks.execute("UPDATE task SET title = ?, searchable = ? WHERE id = ?", (title, searchable, task_id))
        return task_of(task_id)


def written(change_id: str, task_id: str, *kinds: str) -> None:
    """Write rows of the journal and the position of its end."""
    last = journal.execute("SELECT seq, hash FROM link WHERE name = 'head'").fetchone()["seq"]
    rows = [
        (seq, kind, change_id, "bare", task_id, "update_task", None, "2026-03-02T15:00:00.000000+00:00", BODY, "0" * 64)
        for seq, kind in enumerate(kinds, start=last + 1)
    ]
    journal.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    journal.execute("INSERT OR REPLACE INTO link VALUES ('head', ?, ?)", (last + len(rows), "0" * 64))


@server.tool()
def update_task(id: str, title: str) -> dict[str, Any]:  # noqa: A002  the documented name
    """Set the title of a task, with journal rows before and after."""
    change_id = f"bare_{next(numbers)}"
    journal.execute("PRAGMA synchronous = FULL")
    with transaction(journal):
        journal.execute("UPDATE made SET changes = changes + 1")
        written(change_id, id, "opening", "intent")
        journal.execute("INSERT INTO under_way VALUES (?, 'bare', 'bare', 0)", (change_id,))
    task = changed(id, title)
    journal.execute("PRAGMA synchronous = NORMAL")
    with transaction(journal):
        written(change_id, id, "result", "ending")
        journal.execute("DELETE FROM under_way WHERE change_id = ?", (change_id,))
    return task


@server.tool()
def update_task_alone(id: str, title: str) -> dict[str, Any]:  # noqa: A002  the documented name
    """Set the title of a task."""
    return changed(id, title)


server.run("stdio")
