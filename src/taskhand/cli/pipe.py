"""A command's output into a pipe whose reader may close it early, as `head` does."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["tolerate_closed_pipe"]


@contextmanager
def tolerate_closed_pipe() -> Iterator[None]:
    """Leave the block quietly when the reader of standard output has closed the pipe."""
    try:
        yield
        sys.stdout.flush()
    except* BrokenPipeError:
        # Python flushes standard output again at exit, and would report the closed pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
