"""The end of the server's process, for every transport."""

import os
import sys
from typing import Final, NoReturn

__all__ = ["LAST_WRITE_S", "leave"]

LAST_WRITE_S: Final = 0.5
"""Seconds that a write under way may delay the end of the process; a longer write is rolled back."""


def leave(code: int = 0) -> NoReturn:
    """End the process now, without waiting for its threads."""
    sys.stderr.flush()
    os._exit(code)
