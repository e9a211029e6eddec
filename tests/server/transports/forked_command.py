"""The command as a process of its own, forked from one that has everything imported: most tests need no fresh start.

`python -m server.transports.forked_command` reads a command as a line of JSON, forks a process that runs it with its
output in files, and writes the exit code. Tests that spawn a fresh process show that a fresh start is no different.
"""

import atexit
import gc
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from runpy import run_module
from select import select
from tempfile import TemporaryDirectory
from typing import IO, NoReturn

import taskhand

__all__ = ["run_forked"]


def run_forked(
    arguments: Sequence[str], environment: Mapping[str, str], timeout_s: float
) -> subprocess.CompletedProcess[str]:
    """The command, run to its end with nothing on standard input; TimeoutError where it takes longer."""
    asked, told = _parent()
    with TemporaryDirectory() as folder:
        out, err = (Path(folder) / name for name in ("out", "err"))
        job = {"arguments": arguments, "environment": dict(environment), "out": str(out), "err": str(err)}
        asked.write(f"{json.dumps(job)}\n")
        asked.flush()
        if not select([told], [], [], timeout_s)[0]:
            _parent.cache_clear()  # the one that was asked answers too late to be asked again
            raise TimeoutError(f"{arguments} runs still")
        code = int(told.readline())
        encoding = environment.get("PYTHONIOENCODING", "utf-8").partition(":")[0]
        printed = [path.read_bytes().decode(encoding) for path in (out, err)]
        return subprocess.CompletedProcess(arguments, code, *printed)


@cache
def _parent() -> tuple[IO[str], IO[str]]:
    """The process that is forked, by where it is asked and where it tells."""
    parent = subprocess.Popen(
        [sys.executable, "-m", "server.transports.forked_command"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUTF8": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdin is not None
    assert parent.stdout is not None
    atexit.register(parent.kill)
    return parent.stdin, parent.stdout


def _main() -> None:
    for file in sorted(Path(taskhand.__file__).parent.rglob("*.py")):
        module = ".".join(file.relative_to(Path(taskhand.__file__).parents[1]).with_suffix("").parts)
        if not module.endswith(("__main__", "testing.plugin")):
            import_module(module)
    gc.freeze()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _run(**json.loads(line))
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _run(arguments: list[str], environment: dict[str, str], out: str, err: str) -> NoReturn:
    """Be the command."""
    os.environ.clear()
    os.environ.update(environment)
    for path, stream in ((os.devnull, 0), (out, 1), (err, 2)):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), stream)
    if named := environment.get("PYTHONIOENCODING"):  # as a fresh start has it
        encoding, _, errors = named.partition(":")
        sys.stdout.reconfigure(encoding=encoding, errors=errors or "strict")  # type: ignore[union-attr]
        sys.stderr.reconfigure(encoding=encoding)  # type: ignore[union-attr]
    sys.argv = ["taskhand", *arguments]
    code = 0
    try:
        run_module("taskhand", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1 if end.code else 0
    except BaseException:  # noqa: BLE001  what Python does itself at the end of a program
        sys.excepthook(*sys.exc_info())
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _main()
