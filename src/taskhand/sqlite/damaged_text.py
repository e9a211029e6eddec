"""Reading of text that is not UTF-8 any more."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["read_damaged_text"]


@contextmanager
def read_damaged_text(connection: object) -> Iterator[None]:
    """Read a byte that is no text as a mark instead of an error; only a SQLite file can have one."""
    if not isinstance(connection, sqlite3.Connection):
        yield
        return
    connection.text_factory = lambda raw: raw.decode(errors="replace")
    try:
        yield
    finally:
        connection.text_factory = str
