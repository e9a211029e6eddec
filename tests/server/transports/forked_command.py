"""The program as a process of its own, forked from one that has everything imported: most tests need no fresh start.

`python -m server.transports.forked_command SOCKET` reads jobs from a socket: a command, its environment, and the files
that are its standard streams. It forks a watcher for each, which forks the command and writes its process id, and at
the end its exit code. Tests that spawn a fresh process show that a fresh start is no different.
"""

import atexit
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from runpy import run_module
from select import select
from tempfile import TemporaryFile
from typing import NoReturn, TextIO

import taskhand

__all__ = ["ForkedProcess", "run_forked"]

_HEAD = 16
"""The bytes before a job: its length."""


class ForkedProcess:
    """A running command; `streams` are the files that become its standard input, output and error.

    `folder` is its working directory, `source` the folder of its `taskhand`; None is the one of this process.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        streams: Sequence[int],
        folder: Path | None = None,
        source: Path | None = None,
    ) -> None:
        self._arguments = arguments
        self._code: int | None = None
        reader, writer = os.pipe()
        self._told = os.fdopen(reader)
        where = str(folder or Path.cwd())
        job = json.dumps({"arguments": arguments, "environment": dict(environment), "folder": where}).encode()
        parent = _parent(source)
        socket.send_fds(parent, [f"{len(job):{_HEAD}}".encode()], [*streams, writer])
        parent.sendall(job)
        os.close(writer)
        self.pid = int(self._told.readline())

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the process has ended."""
        if not self._has_ended(0):
            with suppress(ProcessLookupError):  # it ends just now, and its watcher has not said so yet
                os.kill(self.pid, number)

    def wait(self, timeout_s: float) -> int:
        """The exit code, as of subprocess.Popen; TimeoutExpired where it takes longer."""
        if not self._has_ended(timeout_s):
            raise subprocess.TimeoutExpired(list(self._arguments), timeout_s)
        assert self._code is not None
        return self._code

    def _has_ended(self, timeout_s: float) -> bool:
        if self._code is None and select([self._told], [], [], timeout_s)[0]:
            self._code = int(self._told.readline())
            self._told.close()
        return self._code is not None


def run_forked(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    timeout_s: float,
    folder: Path | None = None,
    source: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """The command, run to its end with nothing on standard input; TimeoutExpired where it takes longer."""
    encoding = environment.get("PYTHONIOENCODING", "utf-8").partition(":")[0]
    with open(os.devnull) as nothing, TemporaryFile() as out, TemporaryFile() as err:  # noqa: PTH123  no path of ours
        process = ForkedProcess(arguments, environment, [file.fileno() for file in (nothing, out, err)], folder, source)
        try:
            code = process.wait(timeout_s)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait(timeout_s)
        printed = []
        for file in (out, err):
            file.seek(0)
            printed.append(file.read().decode(encoding))
    return subprocess.CompletedProcess(arguments, code, *printed)


@cache
def _parent(source: Path | None) -> socket.socket:
    """The socket of the process that is forked, whose `taskhand` is in `source`; it ends when the socket is closed."""
    ours, theirs = socket.socketpair()
    path = [*([] if source is None else [str(source)]), *sys.path]
    with theirs:
        parent = subprocess.Popen(  # noqa: S603  our own program
            [sys.executable, "-m", "server.transports.forked_command", str(theirs.fileno())],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(path), "PYTHONUTF8": "1"},
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
    atexit.register(parent.kill)
    return ours


def _main(jobs: socket.socket) -> None:
    for file in sorted(Path(taskhand.__file__).parent.rglob("*.py")):
        module = ".".join(file.relative_to(Path(taskhand.__file__).parents[1]).with_suffix("").parts)
        if not module.endswith(("__main__", "testing.plugin")):
            import_module(module)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the watchers
    while True:
        head, files, _, _ = socket.recv_fds(jobs, _HEAD, 4)
        if not head:
            return
        job = json.loads(_read(jobs, int(head)))
        if os.fork() == 0:
            os.chdir(job["folder"])
            _watch(job["arguments"], job["environment"], *files)
        for one in files:
            os.close(one)


def _read(jobs: socket.socket, size: int) -> bytes:
    parts = []
    while size:
        parts.append(jobs.recv(size))
        size -= len(parts[-1])
    return b"".join(parts)


def _watch(arguments: Sequence[str], environment: Mapping[str, str], *files: int) -> NoReturn:
    """Fork the command, and tell its process id and its exit code to the last of the files."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    *streams, told = files
    pid = os.fork()
    if pid == 0:
        _run(arguments, environment, streams)
    for stream in streams:
        os.close(stream)
    os.write(told, f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    os.write(told, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _run(arguments: Sequence[str], environment: Mapping[str, str], streams: Sequence[int]) -> NoReturn:
    """Be the command."""
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    for number, file in enumerate(streams):
        os.dup2(file, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    encoding, _, errors = environment.get("PYTHONIOENCODING", "utf-8:surrogateescape").partition(":")
    sys.stdin = _opened(0, "r", encoding, errors or "strict")
    sys.stdout = _opened(1, "w", encoding, errors or "strict")
    sys.stderr = _opened(2, "w", encoding, "backslashreplace")
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


def _opened(number: int, mode: str, encoding: str, errors: str) -> TextIO:
    """A standard stream, as a fresh start opens it."""
    binary = os.fdopen(number, f"{mode}b", closefd=False)
    return TextIOWrapper(binary, encoding, errors, line_buffering=number == 2)


if __name__ == "__main__":
    _main(socket.socket(fileno=int(sys.argv[1])))
