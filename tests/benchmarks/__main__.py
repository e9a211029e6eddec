"""Runs the benchmarks: `python -m benchmarks [name ...]`; with no name all of them, and BENCHMARKS.md is written anew.

A goal that is missed, or could not be measured, is printed as such, and the exit code is 1.
"""

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter
from typing import Final

from benchmarks import (
    bulk,
    http_calls,
    instructions,
    large_store,
    memory,
    profiles,
    start_up,
    store_update,
    tokens,
    vambe_update,
)
from benchmarks.figure import Found, met, table
from benchmarks.goals import GOALS
from benchmarks.host import plain_environment

FIGURES: Final[Mapping[str, Callable[[], Found]]] = {
    "start_up": start_up.measure,
    "vambe_update": vambe_update.measure,
    "store_update": store_update.measure,
    "bulk": bulk.measure,
    "large_store": large_store.measure,
    "http_calls": http_calls.measure,
    "tokens": tokens.measure,
    "memory": memory.measure,
    "instructions": instructions.measure,
    "profiles": profiles.measure,
}

_ROOT: Final = Path(__file__).parents[2]
_FILE: Final = _ROOT / "BENCHMARKS.md"

_HEAD: Final = """\
# Benchmarks

Written by `make bench`, which fails while a goal is missed. Times and memory are ratios of two things measured in the
same run, in turn: by themselves they say more about a machine than about Taskhand. Requests are counted; tokens are
characters by four, those of peers' tool lists as they were once measured, their answers put together as their code does
it; instructions are compared with those on record. `make bench ONLY=name` runs one of them, and writes nothing.
"""


def main(names: list[str]) -> int:
    """Run what was named; 2 for a name that is none."""
    unknown = [name for name in names if name not in FIGURES]
    if unknown:
        sys.stderr.write(f"There is no {', '.join(unknown)}; there are {', '.join(FIGURES)}.\n")
        return 2
    _check_what_is_started()
    found = {name: _run(name) for name in names or FIGURES}
    values = {goal: value for one in found.values() for goal, value in one.values.items()}
    figures = table(GOALS, values)
    sys.stdout.write(f"\n{figures}\n")
    if not names:
        parts = [_HEAD, figures, *(f"\n## {name}\n\n{one.details}" for name, one in found.items() if one.details)]
        _FILE.write_text("\n".join(parts) + "\n", encoding="utf-8")
    missing = [goal for goal in GOALS if goal not in values and goal.split()[0] in found]
    if missing:
        sys.stdout.write(f"\nNot measured here: {', '.join(missing)}.\n")
    return 0 if not missing and all(met(GOALS[goal], value) for goal, value in values.items()) else 1


def _check_what_is_started() -> None:
    """Servers are started without PYTHONPATH: they must be of this checkout all the same."""
    code = "import taskhand; print(taskhand.__file__)"
    said = subprocess.run(  # noqa: S603  ours
        [sys.executable, "-c", code], env=plain_environment(), capture_output=True, text=True, check=True
    )
    assert Path(said.stdout.strip()).is_relative_to(_ROOT), f"{said.stdout.strip()} would be measured"


def _run(name: str) -> Found:
    begin = perf_counter()
    sys.stdout.write(f"{name} ...")
    sys.stdout.flush()
    found = FIGURES[name]()
    sys.stdout.write(f" {perf_counter() - begin:.0f} s\n")
    if found.details:
        sys.stdout.write(f"{found.details}\n")
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
