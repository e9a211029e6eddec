"""One `update_task` on the Vambe sandbox, against a bare tool that makes the same PUT, in turn."""

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
    with (
        TemporaryDirectory() as name,
        sandboxed("vambe", Path(name), VAMBE_RATE="1000") as vambe,
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
    return Found({"vambe_update": of_turns(turns[_FIRST:])})


def _made(ours: Host, title: str) -> str:
    """The id of a new task."""
    [someone, *_] = ours.call("list_team_members")["members"]
    made = ours.call("create_task", title=title, responsibleIds=[someone["id"]], priority="1")
    return str(made["task"]["id"])
