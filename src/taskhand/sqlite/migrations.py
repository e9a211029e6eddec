"""Numbered SQL scripts that bring a database to the newest schema; one that is newer still is refused."""

import logging
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from taskhand.domain.errors import OperatorError
from taskhand.sqlite.transaction import transaction

__all__ = ["DatabaseKind", "migrate", "new_database", "newest_version"]

_log = logging.getLogger(__name__)

_FORMAT: Final = slice(18, 20)
_WAL: Final = b"\2\2"
"""The bytes of a file that say whether it has a write-ahead log. https://www.sqlite.org/fileformat2.html"""


@dataclass(frozen=True, slots=True)
class DatabaseKind:
    """One kind of database: `label` names it in a sentence, `variable` is the setting that says where its file is.

    `package` has a folder `migrations` with its schema; `functions` of one text are known to its SQL by these names.
    `renewal` is a statement that gives a new database what no other one has. `in_backups` is whether a backup has it.
    """

    label: str
    variable: str
    package: str
    functions: Mapping[str, Callable[[str], str]] = field(default_factory=dict, hash=False)
    renewal: str = ""
    in_backups: bool = True

    def add_functions(self, connection: sqlite3.Connection) -> None:
        """Make the functions known to a connection."""
        for name, function in self.functions.items():
            connection.create_function(name, 1, function, deterministic=True)

    def check_version(self, connection: sqlite3.Connection) -> None:
        """OperatorError `store_too_new` if a newer program has written or migrated the database.

        Every transaction begins with this, in the view that it works on: another process may migrate the file at any
        time.
        """
        if _read_version(connection) > newest_version(self.package):
            raise OperatorError(
                f"The {self.label} was written by a newer Taskhand than this one, so nothing was read or written.",
                code="store_too_new",
                next_step=(
                    "Install the newest Taskhand and restart this server with it, or set "
                    f"{self.variable} to another file."
                ),
            )


@cache
def newest_version(package: str) -> int:
    """The number of the last script in the package's folder `migrations` (`0001_tasks.sql`, …)."""
    return len(_scripts(package))


def new_database(kind: DatabaseKind) -> bytes:
    """The content of a new file, with the newest schema and a write-ahead log."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.deserialize(_empty_database(kind))
        connection.execute(kind.renewal)
        content = bytearray(connection.serialize())
    content[_FORMAT] = _WAL
    return bytes(content)


@cache
def _empty_database(kind: DatabaseKind) -> bytes:
    """A database on which all scripts have run: most of the time of making one, and a process makes several."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        kind.add_functions(connection)
        _run_scripts(connection, kind, 0)
        return connection.serialize()


def migrate(connection: sqlite3.Connection, kind: DatabaseKind, path: Path) -> None:
    """Run the scripts that the database at `path` does not have yet, after copying it if it is not new.

    All of them are one transaction, so each runs once however many processes start at the same time; `user_version` is
    the number of the last one. OperatorError if the database cannot be copied.
    """
    newest = newest_version(kind.package)
    if _read_version(connection) >= newest:
        return
    with transaction(connection, "BEGIN IMMEDIATE"):
        former = _read_version(connection)
        if 0 < former < newest:
            _copy(path, kind, former)
        _run_scripts(connection, kind, former)


def _run_scripts(connection: sqlite3.Connection, kind: DatabaseKind, former: int) -> None:
    """Run the scripts that a database of the `former` version does not have yet."""
    for number, script in enumerate(_scripts(kind.package)[former:], former + 1):
        for statement in _statements(script.read_text("utf-8")):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")


def _copy(path: Path, kind: DatabaseKind, version: int) -> None:
    """Copy the database before it is migrated from this version."""
    from taskhand.sqlite.database_copies import copy_before_migration, remove_older_copies  # noqa: PLC0415  few starts migrate

    try:
        copy = copy_before_migration(path, version)
        remove_older_copies(path)
    except (sqlite3.Error, OSError) as error:
        raise OperatorError(
            f"The {kind.label} {path} has to be migrated, and could not be copied before: {error}.",
            code="store_unavailable",
            next_step="Make room for a copy beside the file, and check its folder.",
        ) from error
    _log.warning("the %s %s is being migrated from version %d; a copy is at %s", kind.label, path, version, copy)


def _read_version(connection: sqlite3.Connection) -> int:
    """The number of the last script that the database has; 0 if it is new."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _scripts(package: str) -> list[Traversable]:
    scripts = (file for file in (files(package) / "migrations").iterdir() if file.name.endswith(".sql"))
    return sorted(scripts, key=lambda file: file.name)


def _statements(script: str) -> Iterator[str]:
    """The statements of a script one by one: sqlite3's executescript would commit before the first."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
