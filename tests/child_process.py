"""A process of its own for a piece of work, which may be killed in the middle."""

import os
import signal
import warnings
from collections.abc import Callable
from typing import NoReturn

__all__ = ["assert_killed", "die", "exit_code", "fork"]


def die(*_: object) -> NoReturn:
    """Kill this process as `kill -9` does: nothing is finished, and nothing is closed."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("a killed process goes on")


def assert_killed(work: Callable[[], object]) -> None:
    """Do the work in a process of its own, in which it ends by `die`."""
    assert exit_code(fork(work)) == -signal.SIGKILL


def fork(work: Callable[[], object]) -> int:
    """Begin the work in a process of its own, which ends with 0 where the work does not fail; the id of the process."""
    with warnings.catch_warnings(
        action="ignore", category=DeprecationWarning
    ):  # of threads, which the child has none of
        child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return child


def exit_code(child: int) -> int:
    """Wait for the end of a process, and return its exit code."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
