"""Run benchmarks: `python -m benchmarks [--write] [name ...]`. Without a name, run all and write BENCHMARKS.md.

With --write, the sections of the named ones are written to it, and their rows in the table of goals.

The exit code is 1 when a goal is missed or could not be measured.
"""

import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter
from typing import Final

from benchmarks import (
    board,
    bulk,
    http_calls,
    instructions,
    large_journal,
    large_store,
    memory,
    profiles,
    real_hosts,
    replicas,
    start_up,
    state_copy,
    store_update,
    tokens,
    vambe_update,
)
from benchmarks.figure import Measurement, is_met, read_table, render_table
from benchmarks.goals import GOALS
from benchmarks.host import plain_environment

FIGURES: Final[Mapping[str, Callable[[], Measurement]]] = {
    "start_up": start_up.measure,
    "vambe_update": vambe_update.measure,
    "store_update": store_update.measure,
    "bulk": bulk.measure,
    "large_store": large_store.measure,
    "large_store_postgres": large_store.measure_postgres,
    "large_journal": large_journal.measure,
    "replicas": replicas.measure,
    "state_copy": state_copy.measure,
    "http_calls": http_calls.measure,
    "tokens": tokens.measure,
    "board": board.measure,
    "memory": memory.measure,
    "instructions": instructions.measure,
    "profiles": profiles.measure,
    "real_hosts": real_hosts.measure,
}

_ROOT: Final = Path(__file__).parents[2]
_FILE: Final = _ROOT / "BENCHMARKS.md"

_HEAD: Final = """\
# Benchmarks

`make bench` writes this file and fails while a goal is missed. Times and memory are ratios of two things that are
measured alternately in the same run, because absolute values depend on the machine. Requests are counted. Tokens are
characters divided by four; the tool lists of peers were measured once, and their answers are built as their code builds
them. Instructions are compared with recorded counts. `make bench ONLY=name` runs one measurement and writes nothing;
`make bench ONLY='--write name'` writes its section and its rows in the table.
"""


def main(arguments: list[str]) -> int:
    """Run the named measurements; 2 for an unknown name."""
    names = [name for name in arguments if name != "--write"]
    unknown = [name for name in names if name not in FIGURES]
    if unknown:
        sys.stderr.write(f"Unknown: {', '.join(unknown)}. Known: {', '.join(FIGURES)}.\n")
        return 2
    _check_which_taskhand_starts()
    measurements = {name: _measure(name) for name in names or FIGURES}
    values = {goal: value for measurement in measurements.values() for goal, value in measurement.values.items()}
    figures = render_table(GOALS, values)
    sys.stdout.write(f"\n{figures}\n")
    sections = {
        name: f"\n## {name}\n\n{measurement.details}\n"
        for name, measurement in measurements.items()
        if measurement.details
    }
    if not names:
        _FILE.write_text(f"{_HEAD}\n{figures}\n{''.join(sections.values())}", encoding="utf-8")
    elif "--write" in arguments:
        _write_named(sections, values)
    missing = [goal for goal in GOALS if goal not in values and goal.split()[0] in measurements]
    if missing:
        sys.stdout.write(f"\nNot measured here: {', '.join(missing)}.\n")
    return 0 if not missing and all(is_met(GOALS[goal], value) for goal, value in values.items()) else 1


def _write_named(sections: Mapping[str, str], values: Mapping[str, float]) -> None:
    """Replace these sections and values of the file; a section that it does not have is added at the end.

    Values that are not measured now stay, beside the goals of today.
    """
    head, mark, rest = _FILE.read_text(encoding="utf-8").partition("\n## ")
    text = f"{_HEAD}\n{render_table(GOALS, read_table(GOALS, head) | dict(values))}\n{mark}{rest}"
    for name, section in sections.items():
        present = re.search(rf"\n## {name}\n.*?(?=\n## |\Z)", text, re.DOTALL)
        text = text.replace(present[0], section) if present else text + section
    _FILE.write_text(text.removesuffix("\n") + "\n", encoding="utf-8")


def _check_which_taskhand_starts() -> None:
    """Servers start without PYTHONPATH; check that they still start from this checkout."""
    code = "import taskhand; print(taskhand.__file__)"
    run = subprocess.run(  # noqa: S603  ours
        [sys.executable, "-c", code], env=plain_environment(), capture_output=True, text=True, check=True
    )
    assert Path(run.stdout.strip()).is_relative_to(_ROOT), f"{run.stdout.strip()} would be measured"


def _measure(name: str) -> Measurement:
    begin = perf_counter()
    sys.stdout.write(f"{name} ...")
    sys.stdout.flush()
    measurement = FIGURES[name]()
    sys.stdout.write(f" {perf_counter() - begin:.0f} s\n")
    if measurement.details:
        sys.stdout.write(f"{measurement.details}\n")
    return measurement


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
