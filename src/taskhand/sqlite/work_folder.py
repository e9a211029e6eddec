"""A temporary folder for incomplete files, on the same file system as their destination."""

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

__all__ = ["work_folder"]


@contextmanager
def work_folder(parent: Path, name: str) -> Iterator[Path]:
    """Create a folder in `parent` with access for this user only, and remove it at the end.

    Folders that killed processes of this machine have left under this name are removed first.
    """
    begin = f".{name}.{re.sub('[^A-Za-z0-9]', '-', socket.gethostname())}-"
    for folder in parent.glob(".*.work"):
        match = re.fullmatch(r"(\d+)-\w+\.work", folder.name.removeprefix(begin))
        if match is not None and not _is_alive(int(match[1])):
            rmtree(folder, ignore_errors=True)
    with TemporaryDirectory(prefix=f"{begin}{os.getpid()}-", suffix=".work", dir=parent) as made:
        yield Path(made)


def _is_alive(pid: int) -> bool:
    """Whether this process is alive, as far as the system tells."""
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
