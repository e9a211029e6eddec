"""Start-up: time and memory from spawn to the answer of `tools/list` over stdio."""

import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple

from benchmarks.figure import Measurement, median_ratio
from benchmarks.host import BARE, Host, plain_environment, taskhand

__all__ = ["measure"]

ROUNDS = 15

RIVAL = Path(sys.prefix) / "bench" / "bin" / "python"
"""A Python with fastmcp in an environment that `make bench` creates."""


class _Start(NamedTuple):
    seconds: float
    peak_kib: float


def measure(rounds: int = ROUNDS) -> Measurement:
    """Taskhand, the bare server and the fastmcp server, started in turn."""
    commands = [taskhand(), [sys.executable, str(BARE / "one_tool.py")]]
    if RIVAL.exists():
        commands.append([str(RIVAL), str(BARE / "one_tool_fastmcp.py")])
    with TemporaryDirectory() as folder:
        environment = plain_environment(TASKHAND_DB=str(Path(folder) / "tasks.sqlite"))
        for command in commands:
            _start(command, environment)  # the first start compiles
        turns = [[_start(command, environment) for command in commands] for _ in range(rounds)]
    values = _ratios("", [(turn[0], turn[1]) for turn in turns])
    if not RIVAL.exists():
        return Measurement(values, "fastmcp is not installed here: `make bench` installs it.")
    return Measurement(values | _ratios(", fastmcp", [(turn[0], turn[2]) for turn in turns]))


def _ratios(against: str, turns: Sequence[tuple[_Start, _Start]]) -> dict[str, float]:
    return {
        f"start_up time{against}": median_ratio([(ours.seconds, theirs.seconds) for ours, theirs in turns]),
        f"start_up memory{against}": median_ratio([(ours.peak_kib, theirs.peak_kib) for ours, theirs in turns]),
    }


def _start(command: Sequence[str], environment: dict[str, str]) -> _Start:
    with Host(command, environment) as host:
        assert host.ask("tools/list")["tools"]
        return _Start(perf_counter() - host.spawned, host.peak_kib())
