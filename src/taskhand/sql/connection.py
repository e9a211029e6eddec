"""A connection in a transaction, for SQL that every engine understands.

Parameters are marked with `?`. Rows have their values by number and by name, and are tuples of values to iterate over.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

__all__ = [
    "DamagedRow",
    "SqlClause",
    "SqlConnection",
    "SqlCursor",
    "SqlRow",
    "join_clauses",
    "placeholders",
    "read_instant",
    "stored_instant",
    "stored_instant_or_none",
]

SqlClause = tuple[str, tuple[object, ...]]
"""A condition in SQL, and its parameters."""


class DamagedRow(Exception):
    """A row that nobody can have written so; a store raises an OperatorError that says which."""


class SqlRow(Protocol):
    """One row of a result."""

    def __getitem__(self, key: int | str, /) -> Any:
        """The value of a column."""
        ...

    def __iter__(self) -> Iterator[Any]:
        """The values in the order of the columns."""
        ...


class SqlCursor(Protocol):
    """The result of a statement: its rows, or how many it has changed."""

    @property
    def rowcount(self) -> int:
        """How many rows were changed."""
        ...

    def fetchone(self) -> Any:
        """The next row; None at the end."""
        ...

    def fetchall(self) -> list[Any]:
        """All rows that are left."""
        ...

    def __iter__(self) -> Iterator[Any]:
        """The rows."""
        ...


class SqlConnection(Protocol):
    """A connection in a transaction, which the store begins and ends."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> SqlCursor:
        """Run one statement."""
        ...

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> SqlCursor:
        """Run one statement for each of many parameters."""
        ...


def placeholders(values: Collection[object]) -> str:
    """The marks of these values in a list of SQL; NULL for none, because SQL has no empty list."""
    return ", ".join("?" * len(values)) or "NULL"


def stored_instant(at: datetime) -> str:
    """An aware datetime as UTC text that sorts like it; beyond the years 1 and 9999 the offset is dropped."""
    try:
        in_utc = at.astimezone(UTC)
    except OverflowError:
        in_utc = at.replace(tzinfo=UTC)
    return in_utc.isoformat(timespec="microseconds")


def stored_instant_or_none(at: datetime | None) -> str | None:
    """As `stored_instant`; None for no datetime."""
    return stored_instant(at) if at else None


def read_instant(text: str | None) -> datetime | None:
    """The datetime of a stored text; None for no text."""
    return datetime.fromisoformat(text) if text else None


def join_clauses(clauses: Sequence[SqlClause]) -> SqlClause:
    """The conjunction of these clauses."""
    parameters = tuple(value for _, values in clauses for value in values)
    return " AND ".join(clause for clause, _ in clauses) or "TRUE", parameters
