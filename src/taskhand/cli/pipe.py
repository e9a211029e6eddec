"""What a command does when whoever reads its output has enough, as `head` does."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["tolerate_closed_pipe"]


@contextmanager
def tolerate_closed_pipe() -> Iterator[None]:
    """End what is done here quietly once nobody reads standard output any more."""
    try:
        yield
        sys.stdout.flush()
    except* BrokenPipeError:
        # Python would flush once more when it ends, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
