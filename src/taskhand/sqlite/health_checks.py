"""Checks of a SQLite file: integrity, write access, and size."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread

from taskhand.sqlite.database_copies import find_migration_copies
from taskhand.sqlite.store import SqliteStore

__all__ = ["VERSION", "Description", "describe_copies", "describe_size", "find_damage"]

VERSION = sqlite3.sqlite_version
"""The version of the SQLite library."""

_UNITS = ("B", "kB", "MB", "GB")
_STEP = 1_000


@dataclass(frozen=True, slots=True)
class Description:
    """A short summary of a database's content, and the `problem` that makes it unfit to be restored."""

    text: str
    problem: str | None = None


async def find_damage(store: SqliteStore) -> str | None:
    """The first damage in the file; None if it is sound and writable. OperatorError if it cannot be used.

    https://www.sqlite.org/pragma.html#pragma_quick_check
    """
    await store.write(lambda _: None)
    return await store.read(_quick_check)


async def describe_size(path: Path) -> str:
    """The size of the file with its write-ahead log, formatted: `12 MB`, `1.2 GB`."""

    def size() -> int:
        files = (path, path.with_name(f"{path.name}-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    return _render_size(await anyio.to_thread.run_sync(size))


async def describe_copies(path: Path) -> str:
    """A sentence about the copies that migrations have left beside the file; empty if there are none."""
    copies = await anyio.to_thread.run_sync(find_migration_copies, path)
    return f" Copies from before migrations: {', '.join(copy.name for copy in copies)}." if copies else ""


def _quick_check(connection: sqlite3.Connection) -> str | None:
    answer = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    return None if answer == "ok" else answer


def _render_size(size: float) -> str:
    for unit in _UNITS[:-1]:
        if size < _STEP:
            return f"{size:.0f} {unit}"
        size /= _STEP
    return f"{size:.1f} {_UNITS[-1]}"
