"""A tool that only runs the SQL of an update on the built-in store and the journal in PostgreSQL, on one connection."""

import os
from itertools import count
from typing import Any

import psycopg
from mcp.server import MCPServer
from psycopg.rows import dict_row

server = MCPServer("bare")
numbers = count(1)
BODY = '{"kind":"' + "x" * 900 + '"}'  # about the size of a row of ours
AT = "2026-03-02T15:00:00.000000+00:00"
connection = psycopg.connect(os.environ["BENCH_POSTGRES"], autocommit=True, row_factory=dict_row)
connection.prepare_threshold = 2


def written(change_id: str, task_id: str, *kinds: str) -> None:
    """Write rows of the journal and the position of its end."""
    connection.execute("SELECT pg_advisory_xact_lock(1952543595, 1)")
    found = connection.execute("SELECT seq FROM taskhand_journal.link WHERE name = 'head'").fetchone()
    last = found["seq"] if found else 0
    rows = [
        (seq, kind, change_id, "bare", task_id, "update_task", None, AT, BODY, "0" * 64)
        for seq, kind in enumerate(kinds, start=last + 1)
    ]
    connection.cursor().executemany(
        "INSERT INTO taskhand_journal.entry VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)", rows
    )
    connection.execute("UPDATE taskhand_journal.link SET seq = %s WHERE name = 'head'", (last + len(rows),))


def task_of(task_id: str) -> dict[str, Any]:
    """A task with its people."""
    task = connection.execute("SELECT * FROM taskhand_tasks.task WHERE id = %s", (task_id,)).fetchone() or {}
    people = connection.execute("SELECT * FROM taskhand_tasks.task_responsible WHERE task_id = %s", (task_id,))
    return {**task, "task_responsibles": [person["responsible_id"] for person in people]}


@server.tool()
def update_task(id: str, title: str) -> dict[str, Any]:  # noqa: A002  the documented name
    """Set the title of a task, with journal rows before and after."""
    change_id = f"bare_{next(numbers)}"
    with connection.transaction():
        connection.execute("UPDATE taskhand_journal.made SET changes = changes + 1")
        written(change_id, id, "opening", "intent")
        connection.execute("INSERT INTO taskhand_journal.under_way VALUES (%s, 'bare', 'bare', 0)", (change_id,))
    with connection.transaction():
        connection.execute("SET LOCAL search_path TO taskhand_tasks, pg_catalog")
        connection.execute("SELECT pg_advisory_xact_lock(1952543595, 2)")
        task_of(id)
        sql = "UPDATE task SET title = %s, searchable = lower(%s) WHERE id = %s"
        connection.execute(sql, (title, title, id))
        task = task_of(id)
    with connection.transaction():
        written(change_id, id, "result", "ending")
        connection.execute("DELETE FROM taskhand_journal.under_way WHERE change_id = %s", (change_id,))
    return task


server.run("stdio")
