"""Instructions of the pure parts: executed bytecodes plus calls of C functions.

The count is the same on every machine with this Python version. It ignores how long a C function takes.
`python -m benchmarks.instructions` records the current counts.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any, Final

from benchmarks.figure import Measurement

__all__ = ["measure"]

RECORD: Final = Path(__file__).parent / "instructions.json"
_PYTHON: Final = f"{sys.version_info.major}.{sys.version_info.minor}"
_CHILD: Final = "--count"


def measure() -> Measurement:
    """The worst piece of work against its recorded count. Other Python versions have other bytecodes."""
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    if record["python"] != _PYTHON:
        return Measurement(details=f"The counts were recorded with Python {record['python']}; this is {_PYTHON}.")
    current, recorded = _count_in_child_process(), record["instructions"]
    unknown = sorted(current.keys() ^ recorded.keys())
    if unknown:
        return Measurement({"instructions": float("inf")}, f"Only recorded, or not recorded: {', '.join(unknown)}.")
    rows = [f"| {name} | {count:,} | {count / recorded[name]:.3f} x |" for name, count in current.items()]
    head = ["| piece of work | instructions | against the recorded |", "| --- | --- | --- |"]
    return Measurement(
        {"instructions": max(count / recorded[name] for name, count in current.items())}, "\n".join([*head, *rows])
    )


def _count_in_child_process() -> dict[str, int]:
    """Count in a process with a fixed hash seed, so that sets have the same order every time."""
    command = [sys.executable, "-m", "benchmarks.instructions", _CHILD]
    environment = os.environ | {"PYTHONHASHSEED": "0", "PYTHONPATH": str(Path(__file__).parent.parent)}
    run = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    count: dict[str, int] = json.loads(run.stdout)
    return count


def _count(work: Callable[[], object]) -> int:
    """Instructions of one run, after a run that filled the caches."""
    work()
    count = 0

    def tracing(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return tracing

    def profiling(_: FrameType, event: str, __: object) -> None:
        nonlocal count
        count += event == "c_call"

    sys.setprofile(profiling)
    sys.settrace(tracing)
    work()
    sys.settrace(None)
    sys.setprofile(None)
    return count


def _pieces() -> Mapping[str, Callable[[], object]]:
    from benchmarks.pure import PIECES  # noqa: PLC0415  only where it is counted

    return PIECES


def main() -> None:
    """Print the counts (in the child process), or record them."""
    if _CHILD in sys.argv:
        sys.stdout.write(json.dumps({name: _count(work) for name, work in _pieces().items()}))
        return
    record = {"python": _PYTHON, "instructions": _count_in_child_process()}
    RECORD.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
