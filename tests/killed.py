"""A process that is killed in the middle of something."""

import os
import signal
import warnings
from collections.abc import Callable
from typing import NoReturn

__all__ = ["assert_killed", "die"]


def die(*_: object) -> NoReturn:
    """Kill this process as `kill -9` does: nothing is finished, and nothing is closed."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("a killed process goes on")


def assert_killed(work: Callable[[], object]) -> None:
    """Do the work in a process of its own, in which it ends by `die`."""
    with warnings.catch_warnings(
        action="ignore", category=DeprecationWarning
    ):  # of threads, which the child has none of
        child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
