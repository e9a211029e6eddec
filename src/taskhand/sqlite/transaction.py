"""Transactions: atomic, whatever exception interrupts the work."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["roll_back_rest", "transaction"]


@contextmanager
def transaction(connection: sqlite3.Connection, begin: str) -> Iterator[sqlite3.Connection]:
    """Begin a transaction with the statement `begin`; commit it at the end of the `with`, or roll it back."""
    connection.execute(begin)
    try:
        yield connection
        connection.execute("COMMIT")
    finally:
        roll_back_rest(connection)


def roll_back_rest(connection: sqlite3.Connection) -> None:
    """Roll back an open transaction."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")
