"""One `update_task` on the Vambe sandbox, alternating with a bare tool that sends the same PUT.

Taskhand has read the task a moment before, as after `list_tasks` or another write. The ratio of an update that has to
read the task first is reported, too.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figure import Measurement, median_ratio
from benchmarks.host import BARE, Host, taskhand
from benchmarks.sandboxed import serve_sandbox

__all__ = ["measure"]

ROUNDS = 400
_FIRST = 20
"""Turns that are not counted, in which a connection is opened and caches are filled."""


def measure(rounds: int = ROUNDS) -> Measurement:
    """The median turn; every turn sets a new title, so that it writes."""
    warm, cold = _time_ratio(rounds), _time_ratio(rounds // 4, VAMBE_CACHE_S="0")
    return Measurement({"vambe_update": warm}, f"An update that reads the task first, with two requests: {cold:.2f} x.")


def _time_ratio(rounds: int, **more: str) -> float:
    with (
        TemporaryDirectory() as name,
        serve_sandbox("vambe", Path(name), VAMBE_RATE="1000", **more) as vambe,
        Host(taskhand(), vambe.environment) as ours,
        Host([sys.executable, str(BARE / "put.py")], vambe.environment) as bare,
    ):
        mine, theirs = (_create_task(ours, title) for title in ("Call Acme", "Call Globex"))
        turns = [
            (
                ours.timed(ours.line("update_task", {"id": mine, "title": f"Call Acme {turn}"})),
                bare.timed(bare.line("update_task", {"id": theirs, "title": f"Call Globex {turn}"})),
            )
            for turn in range(rounds + _FIRST)
        ]
    return median_ratio(turns[_FIRST:])


def _create_task(ours: Host, title: str) -> str:
    """The id of a new task."""
    [member, *_] = ours.call("list_team_members")["members"]
    created = ours.call("create_task", title=title, responsibleIds=[member["id"]], priority="1")
    return str(created["task"]["id"])
