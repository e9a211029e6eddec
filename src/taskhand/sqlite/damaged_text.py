"""Reading of text that is no longer valid UTF-8."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["read_damaged_text"]


@contextmanager
def read_damaged_text(connection: object) -> Iterator[None]:
    """Decode invalid bytes to U+FFFD instead of raising; only a SQLite connection needs this."""
    if not isinstance(connection, sqlite3.Connection):
        yield
        return
    connection.text_factory = lambda raw: raw.decode(errors="replace")
    try:
        yield
    finally:
        connection.text_factory = str
