"""One `update_task` on the built-in store, alternating with a bare tool that runs the same SQL.

The bare tool is a synchronous function; the SDK runs it in a thread. It runs the SQL of the task and of the journal, on
files of the same schema, with the same durability. The ratio to the task's SQL alone is reported, too: a server without
a journal would run only that.
"""

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figure import Measurement, median_ratio
from benchmarks.host import BARE, Host, plain_environment, taskhand

__all__ = ["measure"]

ROUNDS = 500
_FIRST = 20
"""Turns that are not counted, in which files are opened and caches filled."""


def measure(rounds: int = ROUNDS) -> Measurement:
    """The median turn; every turn sets a new title, so that it writes."""
    with TemporaryDirectory() as folder:
        journal, bare_journal = Path(folder) / "journal.sqlite", Path(folder) / "bare.sqlite"
        store = str(Path(folder) / "tasks.sqlite")
        environment = plain_environment(
            TASKHAND_DB=store, TASKHAND_JOURNAL=str(journal), BENCH_JOURNAL=str(bare_journal)
        )
        with Host(taskhand(), environment) as first:
            mine, theirs = (_create_task(first, title) for title in ("Call Acme", "Call Globex"))
        shutil.copy(journal, bare_journal)  # two writers of one file would wait for each other
        with (
            Host(taskhand(), environment) as ours,
            Host([sys.executable, str(BARE / "sql.py")], environment) as bare,
        ):
            turns = [_turn(ours, bare, (mine, theirs), number) for number in range(rounds + _FIRST)][_FIRST:]
    alone = median_ratio([(took, alone) for took, _, alone in turns])
    details = f"Against a bare tool without a journal, which runs only the task's SQL: {alone:.2f} x."
    return Measurement({"store_update": median_ratio([(took, same) for took, same, _ in turns])}, details)


def _turn(ours: Host, bare: Host, ids: tuple[str, str], number: int) -> tuple[float, float, float]:
    """Seconds of Taskhand, of the same SQL, and of the task's SQL alone."""
    mine, theirs = ids
    return (
        ours.timed(ours.line("update_task", {"id": mine, "title": f"Call Acme {number}"})),
        bare.timed(bare.line("update_task", {"id": theirs, "title": f"Call Globex {number}"})),
        bare.timed(bare.line("update_task_alone", {"id": theirs, "title": f"Call Initech {number}"})),
    )


def _create_task(ours: Host, title: str) -> str:
    """The id of a new task."""
    created = ours.call("create_task", title=title, responsibleIds=["me"], priority="1")
    return str(created["task"]["id"])
