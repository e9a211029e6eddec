"""The built-in store for the safety suite, with its tasks read from the file."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp import Client

from behaviour.world import NOW
from file_stores import journal_in, store_in
from safety.account import Agent, ServedTasks
from safety.crms import TaskSummary
from taskhand.backends.local.people_and_statuses import Directory
from taskhand.domain.edit import Edit
from taskhand.sandbox.request_log import Logged
from taskhand.server.app import create_server
from taskhand.service.app_context import AppContext
from taskhand.service.lazy import Lazy
from whole_answers import WHOLE

__all__ = ["TASKS", "stored"]

TASKS = 6
PEOPLE = "SELECT group_concat(responsible_id) FROM task_responsible WHERE task_id = task.id"


@dataclass(frozen=True)
class StoreFile:
    """The tasks of the built-in store, read from its file; it receives no requests."""

    path: Path

    @property
    def tasks(self) -> list[dict[str, Any]]:
        """The tasks with their people."""
        with closing(sqlite3.connect(self.path)) as connection:
            rows = connection.execute(f"SELECT id, title, ({PEOPLE}) FROM task").fetchall()  # noqa: S608  ours
        return [{"id": task_id, "title": title, "who": (who or "").split(",")} for task_id, title, who in rows]

    @property
    def requests(self) -> tuple[Logged, ...]:
        """None."""
        return ()

    def clear_requests(self) -> None:
        """Nothing to forget."""


@asynccontextmanager
async def stored(folder: Path) -> AsyncIterator[ServedTasks]:
    """A store with some tasks; it does not wait for the file's lock."""
    store, journal = store_in(folder, 0), journal_in(folder, 0)
    ana = await store.edit(furnished)
    me = str(await store.account.me())
    edits = [Edit(title=f"Call Acme {number}", responsible_ids=(me,), priority=1) for number in range(1, TASKS + 1)]
    ids = tuple([(await store.create_task(edit)).task.id for edit in edits])
    app = AppContext(store, Lazy(lambda: journal), lambda: NOW, surface=WHOLE)
    async with Client(create_server(app)) as client:
        sandbox = StoreFile(folder / "tasks.sqlite")
        yield ServedTasks(
            sandbox, app, Agent(client), lambda row: TaskSummary(row["title"], tuple(row["who"])), ids, ana
        )
    await app.aclose()


def furnished(directory: Directory) -> str:
    """Ana Soto in the team; her id."""
    return directory.add_member("Ana Soto", "ana@example.com")
