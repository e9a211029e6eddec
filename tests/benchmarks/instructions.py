"""Instructions of the pure parts: how many bytecodes run and how many C functions are called, counted, never timed.

The count is the same on every machine with this Python, however noisy. It does not see how long a C function takes.
`python -m benchmarks.instructions` puts what is counted now on record.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any, Final

from benchmarks.figure import Found

__all__ = ["measure"]

RECORD: Final = Path(__file__).parent / "instructions.json"
_PYTHON: Final = f"{sys.version_info.major}.{sys.version_info.minor}"
_CHILD: Final = "--count"


def measure() -> Found:
    """The worst piece of work, against what is on record; other Pythons have other bytecodes."""
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    if record["python"] != _PYTHON:
        return Found(details=f"On record is Python {record['python']}, and this is {_PYTHON}: nothing to compare.")
    now, then = _counted(), record["instructions"]
    unknown = sorted(now.keys() ^ then.keys())
    if unknown:
        return Found({"instructions": float("inf")}, f"Not on record, or not there any more: {', '.join(unknown)}.")
    rows = [f"| {name} | {count:,} | {count / then[name]:.3f} x |" for name, count in now.items()]
    head = ["| piece of work | instructions | against those on record |", "| --- | --- | --- |"]
    return Found({"instructions": max(count / then[name] for name, count in now.items())}, "\n".join([*head, *rows]))


def _counted() -> dict[str, int]:
    """Counted in a process of its own: where hashes are the same every time, sets have the same order."""
    command = [sys.executable, "-m", "benchmarks.instructions", _CHILD]
    environment = os.environ | {"PYTHONHASHSEED": "0", "PYTHONPATH": str(Path(__file__).parent.parent)}
    run = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    counted: dict[str, int] = json.loads(run.stdout)
    return counted


def _count(work: Callable[[], object]) -> int:
    """Instructions of one run; the run before it has filled what is kept."""
    work()
    counted = 0

    def tracing(frame: FrameType, event: str, _: object) -> Any:
        nonlocal counted
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        counted += event == "opcode"
        return tracing

    def profiling(_: FrameType, event: str, __: object) -> None:
        nonlocal counted
        counted += event == "c_call"

    sys.setprofile(profiling)
    sys.settrace(tracing)
    work()
    sys.settrace(None)
    sys.setprofile(None)
    return counted


def _pieces() -> Mapping[str, Callable[[], object]]:
    from benchmarks.pure import PIECES  # noqa: PLC0415  only where it is counted

    return PIECES


def main() -> None:
    """Count, for whoever asked; or put it on record."""
    if _CHILD in sys.argv:
        sys.stdout.write(json.dumps({name: _count(work) for name, work in _pieces().items()}))
        return
    record = {"python": _PYTHON, "instructions": _counted()}
    RECORD.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
