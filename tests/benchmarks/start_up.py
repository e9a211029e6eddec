"""Start-up: from spawn to the answer of `tools/list` over stdio, in time and in memory."""

import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple

from benchmarks.figure import Found, of_turns
from benchmarks.host import BARE, Host, plain_environment, taskhand

__all__ = ["measure"]

ROUNDS = 15

RIVAL = Path(sys.prefix) / "bench" / "bin" / "python"
"""A Python with fastmcp, in an environment of its own: `make bench` makes it."""


class _Started(NamedTuple):
    seconds: float
    peak_kib: float


def measure(rounds: int = ROUNDS) -> Found:
    """Ours, the bare server and fastmcp's, started in turn."""
    commands = [taskhand(), [sys.executable, str(BARE / "one_tool.py")]]
    if RIVAL.exists():
        commands.append([str(RIVAL), str(BARE / "one_tool_fastmcp.py")])
    with TemporaryDirectory() as folder:
        environment = plain_environment(TASKHAND_DB=str(Path(folder) / "tasks.sqlite"))
        for command in commands:
            _started(command, environment)  # the first start compiles
        turns = [[_started(command, environment) for command in commands] for _ in range(rounds)]
    values = _ratios("", [(turn[0], turn[1]) for turn in turns])
    if not RIVAL.exists():
        return Found(values, "fastmcp is not installed here: `make bench` installs it.")
    return Found(values | _ratios(", fastmcp", [(turn[0], turn[2]) for turn in turns]))


def _ratios(against: str, turns: Sequence[tuple[_Started, _Started]]) -> dict[str, float]:
    return {
        f"start_up time{against}": of_turns([(ours.seconds, theirs.seconds) for ours, theirs in turns]),
        f"start_up memory{against}": of_turns([(ours.peak_kib, theirs.peak_kib) for ours, theirs in turns]),
    }


def _started(command: Sequence[str], environment: dict[str, str]) -> _Started:
    with Host(command, environment) as host:
        assert host.ask("tools/list")["tools"]
        return _Started(perf_counter() - host.spawned, host.peak_kib())
