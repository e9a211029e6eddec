"""Whole copies of a database: made while others write to it, or beside it before a migration."""

import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

__all__ = ["copy_before_migration", "copy_database", "find_migration_copies", "remove_older_copies", "sync_folder"]

_MAX_COPIES: Final = 3
"""Maximum copies of migrations that are kept beside a file."""


def copy_database(source: sqlite3.Connection, copy: Path, schema: str = "main") -> None:
    """Copy `schema`, as `source` sees it, to the new file `copy`, which is then on disk and needs no other file.

    Raises sqlite3.Error and OSError.
    """
    os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    with closing(sqlite3.connect(copy.absolute(), isolation_level=None)) as target:
        source.backup(target, name=schema)
    with closing(sqlite3.connect(copy.absolute(), isolation_level=None)) as target:
        target.execute("PRAGMA journal_mode = DELETE").fetchone()  # the copy has the mode of its source until then


def copy_before_migration(path: Path, version: int) -> Path:
    """Copy the database at `path`, which is of this version, beside it; the copy. An earlier one is replaced.

    The caller has begun a write, so that nobody else does this or writes at the same time. Raises sqlite3.Error and
    OSError.
    """
    there = path.resolve()
    copy, new = there.with_name(f"{there.name}.v{version}.bak"), there.with_name(f".{there.name}.v{version}.new")
    new.unlink(missing_ok=True)  # of a process that was killed here
    try:
        with closing(sqlite3.connect(f"{there.as_uri()}?mode=ro", uri=True, isolation_level=None)) as source:
            copy_database(source, new)
        new.replace(copy)
    finally:
        new.unlink(missing_ok=True)
    sync_folder(copy.parent)
    return copy


def find_migration_copies(path: Path) -> list[Path]:
    """The copies that migrations have left beside the file at `path`, newest version first."""
    there = path.resolve()
    named = re.compile(re.escape(there.name) + r"\.v(\d+)\.bak")
    copies = [(int(match[1]), copy) for copy in there.parent.glob("*.bak") if (match := named.fullmatch(copy.name))]
    return [copy for _, copy in sorted(copies, reverse=True)]


def remove_older_copies(path: Path) -> None:
    """Delete all but the copies of the newest versions beside the file at `path`."""
    for copy in find_migration_copies(path)[_MAX_COPIES:]:
        copy.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder to disk, if the system can."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
