"""Numbered SQL scripts that bring a database to the newest schema."""

import sqlite3
from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from taskhand.sqlite.transaction import transaction

__all__ = ["migrate", "newest_version", "read_version"]


@cache
def newest_version(package: str) -> int:
    """The number of the last script in the package's folder `migrations` (`0001_tasks.sql`, …)."""
    return len(_scripts(package))


def migrate(connection: sqlite3.Connection, package: str, before: Callable[[int], None]) -> None:
    """Run the scripts that the database does not have yet; `user_version` is the number of the last one.

    All of them are one transaction, so each runs once however many processes start at the same time. `before` is called
    in it with the version of a database that is not new.
    """
    if read_version(connection) >= newest_version(package):
        return
    with transaction(connection, "BEGIN IMMEDIATE"):
        former = read_version(connection)
        if 0 < former < newest_version(package):
            before(former)
        for number, script in enumerate(_scripts(package)[former:], former + 1):
            for statement in _statements(script.read_text("utf-8")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")


def read_version(connection: sqlite3.Connection) -> int:
    """The number of the last script that the database has; 0 if it is new."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _scripts(package: str) -> list[Traversable]:
    found = (file for file in (files(package) / "migrations").iterdir() if file.name.endswith(".sql"))
    return sorted(found, key=lambda file: file.name)


def _statements(script: str) -> Iterator[str]:
    """The statements of a script one by one: sqlite3's executescript would commit before the first."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
