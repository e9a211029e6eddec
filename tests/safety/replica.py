"""Replicas: processes that call tools as servers do, with their journal in PostgreSQL.

`python -m safety.replica URL STATE SOCKET...` forks one for each socket, so that everything is imported once. It says
its process id, then calls the tools that it is given, one line of JSON each, on the sandbox at URL, and answers with a
line each. At a job's `stops` it stops itself as SIGSTOP does, `begun`: after its intents are written.
"""

import gc
import json
import os
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TextIO

import anyio
from mcp import Client

from backends.vambe.backend_case import vambe_settings
from backends.vambe.sandboxed_app import KEY
from behaviour.agent import Refused
from behaviour.world import NOW
from journals import numbered
from safety.account import Agent
from taskhand.journal.journal import Change, Intent, Opening
from taskhand.journal.journal_owner import AccountOwner
from taskhand.journal.postgres import PostgresJournal
from taskhand.postgres.database import Database
from taskhand.server.app import create_server
from taskhand.service.crash_recovery import recover_abandoned
from taskhand.service.lazy import Lazy
from taskhand.wiring import open_app

__all__ = ["LEASE_S"]

LEASE_S = 1.5


class StoppingJournal(PostgresJournal):
    """A journal whose process stops after something is written in it."""

    stops = ""
    line: TextIO

    async def begin(self, opening: Opening, intents: Sequence[Intent]) -> tuple[Change, bool]:
        """Stops after the intents are on disk."""
        begun = await super().begin(opening, intents)
        if self.stops == "begun":
            self.stops = ""
            say(self.line, "stops")
            os.kill(os.getpid(), signal.SIGSTOP)
        return begun


async def serve(url: str, state: str, line: TextIO) -> None:
    """Call tools until there are no more lines."""
    minutes = count(step=60.0)  # what others left open is looked for at each call
    journal = StoppingJournal(
        Database(state),
        owner=AccountOwner(Path(), "vambe"),
        clock=lambda: NOW,
        new_id=numbered,
        lease_s=LEASE_S,
        monotonic=lambda: next(minutes),
    )
    journal.line = line
    async with open_app(vambe_settings(url, vambe_api_key=KEY, journal=Path(os.devnull))) as opened:
        app = replace(opened, lazy_journal=Lazy(lambda: journal))
        async with Client(create_server(app)) as client:
            agent = Agent(client)
            say(line, os.getpid())
            while said := await anyio.to_thread.run_sync(line.readline):
                job = json.loads(said)
                journal.stops = job.get("stops", "")
                try:
                    if job["tool"] == "recover":
                        await recover_abandoned(app)
                        answer: object = {}
                    else:
                        answer = await agent(job["tool"], **job["arguments"])
                except Refused as error:
                    answer = {"refused": error.code, "why": str(error)}
                say(line, answer)
    await journal.aclose()


def say(line: TextIO, answer: object) -> None:
    """Answer with a line."""
    line.write(f"{json.dumps(answer)}\n")
    line.flush()


def main(url: str, state: str, *sockets: str) -> None:
    """Fork the replicas, and wait until all have ended."""
    gc.freeze()
    for one in sockets:
        if os.fork() == 0:
            with socket.socket(fileno=int(one)) as own, own.makefile("rw", encoding="utf-8") as line:
                anyio.run(serve, url, state, line)
            os._exit(0)
    for _ in sockets:
        os.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
