"""Servers in processes of their own, which are killed while they write.

`python -m safety.killable_server` reads jobs, one line of JSON each, and forks a process for each job, so that
everything is imported already. It prints the process id, and then the exit code. A process may also kill itself by the
same signal, at a step that cannot be observed from outside.
"""

import gc
import json
import os
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import anyio
from mcp import Client

from behaviour.world import NOW
from child_process import die
from file_stores import journal_in, store_in
from safety.account import Agent
from safety.crms import CRMS
from taskhand.backends.local.backend import LocalBackend
from taskhand.backends.local.people_and_statuses import Directory
from taskhand.journal.journal import Change, Ending, Intent, Opening, Result
from taskhand.journal.sqlite import SqliteJournal
from taskhand.server.app import create_server
from taskhand.service.app_context import AppContext
from taskhand.service.lazy import Lazy
from virtual_time import Time
from whole_answers import WHOLE

__all__ = ["Death", "Job", "app_at"]

Death = Literal["", "begun", "answered", "written", "UPDATE", "COMMIT"]
"""After the intents are on disk; before the outcome is; after that; before a statement in the built-in store."""


@dataclass(frozen=True)
class Job:
    """Call a tool, and apply the plan that it stops at, at a CRM (by name, at `url`) or in the store of `folder`.

    The journal is in `folder`. It dies of itself at `dies`, at the `nth` such statement. What is known is written down
    every `tick_s` seconds.
    """

    crm: str
    url: str
    folder: str
    tool: str
    arguments: dict[str, Any]
    dies: Death = ""
    nth: int = 1
    tick_s: float = 1.0

    @property
    def line(self) -> str:
        """The job as one line of JSON."""
        return f"{json.dumps(asdict(self))}\n"


class MortalJournal(SqliteJournal):
    """A journal whose process dies before or after something is written in it."""

    dies: Death = ""

    async def begin(self, opening: Opening, intents: Sequence[Intent]) -> tuple[Change, bool]:
        """Dies after the intents are on disk."""
        begun = await super().begin(opening, intents)
        if self.dies == "begun":
            die()
        return begun

    async def settle(self, change_id: str, results: Sequence[Result], ending: Ending | None = None) -> None:
        """Dies before the outcome as a whole is on disk, or after."""
        if ending is not None and self.dies == "answered":
            die()
        await super().settle(change_id, results, ending)
        if ending is not None and self.dies == "written":
            die()


@asynccontextmanager
async def app_at(crm: str, url: str, folder: Path, busy_s: float = 5.0) -> AsyncIterator[AppContext]:
    """An app context on a CRM, or on the store of `folder`, with the journal of `folder`; in a time of its own."""
    journal = journal_in(folder, busy_s, MortalJournal)
    try:
        if crm == "local":
            store = store_in(folder)
            yield AppContext(store, Lazy(lambda: journal), lambda: NOW, surface=WHOLE)
            await store.aclose()
        else:
            chosen = next(one for one in CRMS if one.name == crm)
            async with chosen.sandboxed_app(url, Time()) as app:
                yield replace(app, lazy_journal=Lazy(lambda: journal))
    finally:
        await journal.aclose()


async def work(job: Job) -> None:
    """Do the job."""
    async with app_at(job.crm, job.url, Path(job.folder)) as opened:
        app = replace(opened, call_time=replace(opened.call_time, write_tick_s=job.tick_s))
        assert isinstance(app.journal, MortalJournal)
        app.journal.dies = job.dies
        if isinstance(app.backend, LocalBackend):
            await app.backend.edit(lambda directory: watch(directory, job))
        async with Client(create_server(app)) as client:
            agent = Agent(client)
            answer = await agent(job.tool, **job.arguments)
            if "planId" in answer:
                await agent("apply_plan", planId=answer["planId"])


def watch(directory: Directory, job: Job) -> None:
    """Die at a statement, before it is carried out; the first commit is that of this watch."""
    assert isinstance(directory.connection, sqlite3.Connection)
    directory.connection.set_trace_callback(_counting(job))


def _counting(job: Job) -> Callable[[str], None]:
    updates = 0

    def traced(statement: str) -> None:
        nonlocal updates
        updates += statement.startswith("UPDATE task ")
        is_reached = {"UPDATE": updates == job.nth, "COMMIT": statement == "COMMIT" and updates > 0}
        if is_reached.get(job.dies):
            die()

    return traced


def main() -> None:
    """Fork for each line, one after the other; what the first server of a process takes long for is done before."""
    nowhere = Path(os.devnull) / "nowhere"
    create_server(AppContext(store_in(nowhere), Lazy(lambda: journal_in(nowhere)), lambda: NOW))
    gc.freeze()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            try:
                anyio.run(work, Job(**json.loads(line)))
            finally:
                os._exit(1 if sys.exc_info()[0] else 0)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
