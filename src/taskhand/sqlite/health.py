"""What a look at a SQLite file finds: whether it is sound, whether it can be written, how large it is."""

import sqlite3
from pathlib import Path

import anyio.to_thread

from taskhand.sqlite.store import Store

__all__ = ["VERSION", "health", "size_of"]

VERSION = sqlite3.sqlite_version
"""The version of the SQLite library."""

_UNITS = ("B", "kB", "MB", "GB")
_STEP = 1_000


async def health(store: Store) -> str | None:
    """What is wrong with the file, None where it is sound and can be written. OperatorError where it cannot be used.

    https://www.sqlite.org/pragma.html#pragma_quick_check
    """
    await store.write(lambda _: None)
    return await store.read(_fault)


async def size_of(path: Path) -> str:
    """How large the file is, with what is not yet written back into it, for a person's eyes."""

    def measured() -> int:
        files = (path, path.with_name(f"{path.name}-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    return _shown(await anyio.to_thread.run_sync(measured))


def _fault(connection: sqlite3.Connection) -> str | None:
    said = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    return None if said == "ok" else said


def _shown(size: float) -> str:
    for unit in _UNITS[:-1]:
        if size < _STEP:
            return f"{size:.0f} {unit}"
        size /= _STEP
    return f"{size:.1f} {_UNITS[-1]}"
