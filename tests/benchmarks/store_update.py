"""One `update_task` on the embedded store, against a bare tool that does the same SQL to the same file, in turn."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figure import Found, of_turns
from benchmarks.host import BARE, Host, plain_environment, taskhand

__all__ = ["measure"]

ROUNDS = 600
_FIRST = 20
"""Turns that are not counted: files are opened, caches are filled."""


def measure(rounds: int = ROUNDS) -> Found:
    """The median turn; each sets another title, so that each is a write."""
    with TemporaryDirectory() as folder:
        environment = plain_environment(TASKHAND_DB=str(Path(folder) / "tasks.sqlite"))
        with Host(taskhand(), environment) as ours:
            mine, theirs = (_made(ours, title) for title in ("Call Acme", "Call Globex"))
            with Host([sys.executable, str(BARE / "sql.py")], environment) as bare:
                turns = [
                    (
                        ours.timed(ours.line("update_task", {"id": mine, "title": f"Call Acme {turn}"})),
                        bare.timed(bare.line("update_task", {"id": theirs, "title": f"Call Globex {turn}"})),
                    )
                    for turn in range(rounds + _FIRST)
                ]
    return Found({"store_update": of_turns(turns[_FIRST:])})


def _made(ours: Host, title: str) -> str:
    """The id of a new task."""
    made = ours.call("create_task", title=title, responsibleIds=["me"], priority="1")
    return str(made["task"]["id"])
