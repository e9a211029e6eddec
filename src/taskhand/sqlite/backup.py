"""Backups: one file with a copy of each database, all from the same moment, made while other processes write."""

import json
import os
import sqlite3
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from taskhand.domain.errors import OperatorError
from taskhand.sqlite.connection import check_database_file, file_identity, is_locked
from taskhand.sqlite.database_copies import copy_database, sync_folder
from taskhand.sqlite.health_checks import Description
from taskhand.sqlite.migrations import DatabaseKind
from taskhand.sqlite.store import database_file_errors
from taskhand.sqlite.work_folder import work_folder

__all__ = [
    "MANIFEST",
    "DatabaseFile",
    "connect_autocommit",
    "describe_copy",
    "operator_errors",
    "read_manifest",
    "write_archive",
    "write_backup",
]

MANIFEST: Final = "backup.json"
"""The member of a backup that describes it."""

_WAIT_S: Final = 2.0
"""Maximum seconds to hold one database while waiting for the next."""
_TRIES: Final = 10


@dataclass(frozen=True, slots=True)
class DatabaseFile:
    """One database that is backed up: `member` is its name in a backup, and `table` one that no other kind has.

    `also` are names that it may have in a backup, too, and `owner` is whose it is, if there are several of a kind.
    It belongs to the databases at the paths `beside`, and to the `others`, which are not backed up with it.
    """

    path: Path
    kind: DatabaseKind
    member: str
    table: str
    describe: Callable[[sqlite3.Connection], Description]
    also: tuple[str, ...] = ()
    owner: str | None = None
    beside: frozenset[Path] = frozenset()
    others: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """What it is, and whose."""
        return f"{self.kind.label} of {self.owner}" if self.owner else self.kind.label

    @property
    def exists(self) -> bool:
        """Whether there is a file."""
        return file_identity(self.path) is not None


def write_backup(
    databases: Sequence[DatabaseFile], target: Path, about: Mapping[str, object]
) -> dict[str, Description]:
    """Write a backup of the databases that exist to `target`, and describe each by its label.

    Their copies are from one moment, at which no process was writing to any of them. An existing backup at `target` is
    replaced once the new one is complete. `about` is stored in the backup. OperatorError if there is nothing to back
    up, a database is damaged or cannot be read, or `target` is another file or cannot be written.
    """
    with operator_errors(f"The backup {target} could not be written"):
        return _write_backup(databases, target, about)


def _write_backup(
    databases: Sequence[DatabaseFile], target: Path, about: Mapping[str, object]
) -> dict[str, Description]:
    present = [database for database in databases if database.exists]
    if not present:
        paths = " and no file ".join(str(database.path) for database in databases)
        raise OperatorError(f"There is nothing to back up: there is no file {paths}.", code="no_backup")
    _check_target(target)
    with work_folder(target.parent, target.name) as folder:
        copies = [folder / database.member for database in present]
        with _same_moment(present) as readers:
            for reader, copy in zip(readers, copies, strict=True):
                copy_database(reader, copy)
        descriptions = {
            database.label: describe_copy(database, copy) for database, copy in zip(present, copies, strict=True)
        }
        write_archive(copies, folder / MANIFEST, target, about)
    return descriptions


def write_archive(copies: Sequence[Path], new: Path, target: Path, about: Mapping[str, object]) -> None:
    """Write the copies into the file `new`; rename it to `target` once it is complete and on disk."""
    os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    with new.open("r+b") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(MANIFEST, json.dumps({"format": 1, **about}))
            for copy in copies:
                archive.write(copy, copy.name)
        file.flush()
        os.fsync(file.fileno())
    new.replace(target)
    sync_folder(target.parent)


def read_manifest(path: Path) -> Mapping[str, object] | None:
    """Read the manifest of a backup; None if the file is no backup. OSError if it cannot be read."""
    if not zipfile.is_zipfile(path):
        return None
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = json.loads(archive.read(MANIFEST))
    except (zipfile.BadZipFile, KeyError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) and "format" in manifest else None


def describe_copy(database: DatabaseFile, copy: Path) -> Description:
    """Describe the content of a copy; OperatorError if it is damaged, or of a newer program."""
    try:
        with closing(connect_autocommit(copy)) as connection:
            database.kind.check_version(connection)
            [answer] = connection.execute("PRAGMA integrity_check(1)").fetchone()
            description = database.describe(connection) if answer == "ok" else None
    except sqlite3.DatabaseError as error:
        answer, description = str(error), None
    if description is None:
        raise OperatorError(f"The {database.kind.label} in it is damaged: {answer}.", code="store_unavailable")
    return description


@contextmanager
def operator_errors(what_failed: str) -> Iterator[None]:
    """Convert errors of files and databases to OperatorError, which says what failed and why."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        is_busy = is_locked(error)
        raise OperatorError(
            f"{what_failed}: {reason}.", code="store_busy" if is_busy else "store_unavailable", retryable=is_busy
        ) from error


def connect_autocommit(path: Path, wait_s: float = _WAIT_S) -> sqlite3.Connection:
    """Connect to an existing file, in autocommit mode."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=wait_s, isolation_level=None)
    connection.row_factory = sqlite3.Row
    return connection


def _check_target(target: Path) -> None:
    """OperatorError if the target exists and is no backup."""
    if not target.parent.is_dir():
        raise OperatorError(f"There is no folder {target.parent} for the backup.", next_step="Make it first.")
    if target.exists() and (not target.is_file() or read_manifest(target) is None):
        raise OperatorError(
            f"{target} exists and is no backup, so it is not replaced.", next_step="Choose another name for the backup."
        )


@contextmanager
def _same_moment(databases: Sequence[DatabaseFile]) -> Iterator[Sequence[sqlite3.Connection]]:
    """Open read transactions on all databases that see the same moment; writers continue meanwhile."""
    with ExitStack() as stack:
        for database in databases:
            with database_file_errors(database.path, database.kind):
                # before any database is open: the check closes the file, which drops this process's locks on it
                check_database_file(database.path, database.kind)
        readers = [(database, stack.enter_context(_open(database))) for database in databases]
        writers = [(database, stack.enter_context(_open(database))) for database in databases]
        for attempt in range(1, _TRIES + 1):
            try:
                _begin_together(readers, writers)
                break
            except OperatorError as error:
                if attempt == _TRIES or error.code != "store_busy":
                    raise
        yield [reader for _, reader in readers]


def _open(database: DatabaseFile) -> "closing[sqlite3.Connection]":
    """Connect to a database that this program can read."""
    with database_file_errors(database.path, database.kind), ExitStack() as until_ready:
        connection = connect_autocommit(database.path)
        until_ready.callback(connection.close)
        database.kind.check_version(connection)
        until_ready.pop_all()
    return closing(connection)


_Opened = Sequence[tuple[DatabaseFile, sqlite3.Connection]]


def _begin_together(readers: _Opened, writers: _Opened) -> None:
    """Begin the read transactions while writers are locked out: a change is in a journal before it is in a store."""
    try:
        for database, writer in writers:
            with database_file_errors(database.path, database.kind):
                writer.execute("BEGIN IMMEDIATE")
        for database, reader in readers:
            with database_file_errors(database.path, database.kind):
                reader.execute("BEGIN")
                reader.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    finally:
        for _, writer in writers:
            writer.rollback()
