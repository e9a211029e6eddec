"""Numbered SQL scripts that bring a database to the newest schema."""

import sqlite3
from collections.abc import Iterator
from importlib.resources import files

from taskhand.domain.errors import OperatorError
from taskhand.sqlite.transaction import transaction

__all__ = ["migrate"]


def migrate(connection: sqlite3.Connection, package: str, *, label: str, variable: str) -> None:
    """Run the scripts of the package's folder `migrations` (`0001_tasks.sql`, …) that the database does not have yet.

    `user_version` is the number of the last one. All of them are one transaction, so each runs once however many
    processes start at the same time. Raises OperatorError `store_too_new` where a newer program wrote the database;
    `label` names the database in that sentence and `variable` the setting that says where it is.
    """
    scripts = sorted(
        (file.name, file.read_text("utf-8"))
        for file in (files(package) / "migrations").iterdir()
        if file.name.endswith(".sql")
    )
    if _version(connection) < len(scripts):
        with transaction(connection, "BEGIN IMMEDIATE"):
            for number, (_, script) in enumerate(scripts[_version(connection) :], _version(connection) + 1):
                for statement in _statements(script):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number}")
    if _version(connection) > len(scripts):
        raise OperatorError(
            f"The {label} was written by a newer Taskhand.",
            code="store_too_new",
            next_step=f"Install the newest Taskhand, or set {variable} to another file.",
        )


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _statements(script: str) -> Iterator[str]:
    """The statements of a script one by one: sqlite3's executescript would commit before the first."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
