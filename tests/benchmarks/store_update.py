"""One `update_task` on the embedded store, against a bare tool that does the same SQL, in turn.

The bare tool is a plain function, as one writes what blocks: the SDK runs it in a thread.

The same SQL is that of the task and that of its journal, to files of the same schema and as durably. What the task's
alone takes is told besides: it is what a server without a journal would do.
"""

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figure import Found, of_turns
from benchmarks.host import BARE, Host, plain_environment, taskhand

__all__ = ["measure"]

ROUNDS = 500
_FIRST = 20
"""Turns that are not counted: files are opened, caches are filled."""


def measure(rounds: int = ROUNDS) -> Found:
    """The median turn; each sets another title, so that each is a write."""
    with TemporaryDirectory() as folder:
        kept, copy = Path(folder) / "journal.sqlite", Path(folder) / "bare.sqlite"
        store = str(Path(folder) / "tasks.sqlite")
        environment = plain_environment(TASKHAND_DB=store, TASKHAND_JOURNAL=str(kept), BENCH_JOURNAL=str(copy))
        with Host(taskhand(), environment) as first:
            mine, theirs = (_made(first, title) for title in ("Call Acme", "Call Globex"))
        shutil.copy(kept, copy)  # a journal of its own: two that write to one would wait for each other
        with (
            Host(taskhand(), environment) as ours,
            Host([sys.executable, str(BARE / "sql.py")], environment) as bare,
        ):
            turns = [_turn(ours, bare, (mine, theirs), number) for number in range(rounds + _FIRST)][_FIRST:]
    alone = of_turns([(took, alone) for took, _, alone in turns])
    told = f"Against a bare tool that does the task's SQL alone, and keeps no journal: {alone:.2f} x."
    return Found({"store_update": of_turns([(took, same) for took, same, _ in turns])}, told)


def _turn(ours: Host, bare: Host, ids: tuple[str, str], number: int) -> tuple[float, float, float]:
    """Seconds of ours, of the same SQL, and of the task's alone."""
    mine, theirs = ids
    return (
        ours.timed(ours.line("update_task", {"id": mine, "title": f"Call Acme {number}"})),
        bare.timed(bare.line("update_task", {"id": theirs, "title": f"Call Globex {number}"})),
        bare.timed(bare.line("update_task_alone", {"id": theirs, "title": f"Call Initech {number}"})),
    )


def _made(ours: Host, title: str) -> str:
    """The id of a new task."""
    made = ours.call("create_task", title=title, responsibleIds=["me"], priority="1")
    return str(made["task"]["id"])
