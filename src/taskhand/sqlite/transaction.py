"""Transactions: all or nothing, also when an exception of any kind interrupts the work."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["commit_or_roll_back", "transaction"]


@contextmanager
def transaction(connection: sqlite3.Connection, begin: str) -> Iterator[sqlite3.Connection]:
    """Begin a transaction with the statement `begin`; commit it at the end of the `with`, or roll it back."""
    connection.execute(begin)
    with commit_or_roll_back(connection):
        yield connection


@contextmanager
def commit_or_roll_back(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit a transaction that has begun at the end of the `with`; roll it back where that raises."""
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
