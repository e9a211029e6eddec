"""Work as a user to whom permissions apply, also where the tests run as root."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["open_folder", "without_privileges"]

_NOBODY = 65_534


@contextmanager
def without_privileges() -> Iterator[None]:
    """Somebody who is not root works here."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(_NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that every user can enter, unlike the one of pytest."""
    with tempfile.TemporaryDirectory(prefix="taskhand-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)
