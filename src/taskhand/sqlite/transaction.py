"""Transactions: atomic, whatever exception interrupts the work."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

__all__ = ["run_and_commit", "transaction"]

_T = TypeVar("_T")


@contextmanager
def transaction(connection: sqlite3.Connection, begin: str) -> Iterator[sqlite3.Connection]:
    """Begin a transaction with the statement `begin`; commit it at the end of the `with`, or roll it back."""
    connection.execute(begin)
    try:
        yield connection
        connection.execute("COMMIT")
    finally:
        _roll_back_rest(connection)


def run_and_commit(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], _T]) -> _T:
    """Run work in an open transaction and commit it; roll back if either raises."""
    try:
        result = work(connection)
        connection.execute("COMMIT")
    finally:
        _roll_back_rest(connection)
    return result


def _roll_back_rest(connection: sqlite3.Connection) -> None:
    """Roll back an open transaction."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")
