"""Stores as earlier versions of the program left them."""

import sqlite3
from contextlib import closing
from importlib.resources import files
from pathlib import Path

from taskhand.backends.local.sqlite import TASK_STORE

__all__ = ["MIGRATIONS", "make_old"]

_FOLDER = files("taskhand.backends.local") / "migrations"
MIGRATIONS = sorted(file.name for file in _FOLDER.iterdir() if file.name.endswith(".sql"))


def make_old(path: Path, version: int, *rows: str) -> None:
    """A store as this version of the program left it, with these rows."""
    with closing(sqlite3.connect(path)) as connection:
        for name, function in TASK_STORE.functions.items():
            connection.create_function(name, 1, function)
        for name in MIGRATIONS[:version]:
            connection.executescript((_FOLDER / name).read_text("utf-8"))
        for row in rows:
            connection.execute(row)
        connection.execute(f"PRAGMA user_version = {version}")
        connection.commit()
