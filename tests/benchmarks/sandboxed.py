"""A sandboxed CRM in a process of its own, outside the process that is measured."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.host import plain_environment, taskhand

__all__ = ["ServedCrm", "serve_sandbox"]


@dataclass(frozen=True, slots=True)
class ServedCrm:
    """The address (`url`, without a path) and the environment of a server that uses it."""

    url: str
    environment: dict[str, str]


@contextmanager
def serve_sandbox(crm: str, folder: Path, **more: str) -> Iterator[ServedCrm]:
    """Serve an empty CRM; `more` are further variables of a server that uses it."""
    command = taskhand("sandbox", crm, "--port", "0", "--seed", "empty")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=plain_environment()) as process:  # noqa: S603
        assert process.stdout is not None
        lines = [process.stdout.readline().split() for _ in range(2)]
        printed = dict(part.split("=", 1) for part in lines[1][:2])
        journal = {"TASKHAND_JOURNAL": str(folder / f"{crm}.journal.sqlite")}
        try:
            yield ServedCrm(lines[0][2].rstrip(","), plain_environment(**printed, **journal, **more))
        finally:
            process.terminate()
