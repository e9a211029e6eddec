"""A sandboxed CRM as a process of its own, so that its work is not done in the process that is measured."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.host import plain_environment, taskhand

__all__ = ["Sandboxed", "sandboxed"]


@dataclass(frozen=True, slots=True)
class Sandboxed:
    """Where it is, and the environment of a server on it; `url` has no path."""

    url: str
    environment: dict[str, str]


@contextmanager
def sandboxed(crm: str, folder: Path, **more: str) -> Iterator[Sandboxed]:
    """Serve an empty one; `more` is what else a server on it is configured with."""
    command = taskhand("sandbox", crm, "--port", "0", "--seed", "empty")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=plain_environment()) as process:  # noqa: S603
        assert process.stdout is not None
        said = [process.stdout.readline().split() for _ in range(2)]
        given = dict(part.split("=", 1) for part in said[1][:2])
        journal = {"TASKHAND_JOURNAL": str(folder / f"{crm}.journal.sqlite")}
        try:
            yield Sandboxed(said[0][2].rstrip(","), plain_environment(**given, **journal, **more))
        finally:
            process.terminate()
