"""One `update_task` on the Vambe sandbox, against a bare tool that makes the same PUT, in turn.

Of the task that it writes ours has a list that is fresh, as after a `list_tasks` or another write a moment ago. What
one takes that has to read the task first, to know what was there, is told besides.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figure import Found, of_turns
from benchmarks.host import BARE, Host, taskhand
from benchmarks.sandboxed import sandboxed

__all__ = ["measure"]

ROUNDS = 400
_FIRST = 20
"""Turns that are not counted: a connection is opened, caches are filled."""


def measure(rounds: int = ROUNDS) -> Found:
    """The median turn; each sets another title, so that each is a write."""
    warm, cold = _times(rounds), _times(rounds // 4, VAMBE_CACHE_S="0")
    return Found({"vambe_update": warm}, f"Of a task that has to be read first, with two requests: {cold:.2f} x.")


def _times(rounds: int, **more: str) -> float:
    with (
        TemporaryDirectory() as name,
        sandboxed("vambe", Path(name), VAMBE_RATE="1000", **more) as vambe,
        Host(taskhand(), vambe.environment) as ours,
        Host([sys.executable, str(BARE / "put.py")], vambe.environment) as bare,
    ):
        mine, theirs = (_made(ours, title) for title in ("Call Acme", "Call Globex"))
        turns = [
            (
                ours.timed(ours.line("update_task", {"id": mine, "title": f"Call Acme {turn}"})),
                bare.timed(bare.line("update_task", {"id": theirs, "title": f"Call Globex {turn}"})),
            )
            for turn in range(rounds + _FIRST)
        ]
    return of_turns(turns[_FIRST:])


def _made(ours: Host, title: str) -> str:
    """The id of a new task."""
    [someone, *_] = ours.call("list_team_members")["members"]
    made = ours.call("create_task", title=title, responsibleIds=[someone["id"]], priority="1")
    return str(made["task"]["id"])
