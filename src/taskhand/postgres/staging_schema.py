"""A staging schema beside the live one: filled from elsewhere, and published once it is complete.

Until then servers do not see it, and the live schema is unchanged.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any, Final

from psycopg.errors import LockNotAvailable

from taskhand.domain.errors import OperatorError
from taskhand.postgres.connection import Driver, connect
from taskhand.postgres.errors import describe_database, postgres_errors
from taskhand.postgres.migrations import LOCKS, MIGRATION, PostgresKind, migrate

__all__ = ["Staging", "Target", "open_target"]

_COPYING: Final = 9
"""The second key of the advisory lock that a copying process holds."""
_ENDING_S: Final = 2
"""Seconds that a copy waits for that lock: the database notices the end of an interrupted copy only after a moment."""


class Target:
    """The database that is copied to, by one process at a time."""

    def __init__(self, driver: Driver, url: str, kind: PostgresKind) -> None:
        self._driver = driver
        self._url = url
        self._kind = kind

    @property
    def location(self) -> str:
        """The host and name of the database, without credentials."""
        return describe_database(self._url)

    def stage(self, kind: PostgresKind, tables: Sequence[str], holding: Sequence[str]) -> "Staging":
        """The staging schema, created unless an earlier copy has left one.

        The live schema counts as empty if all its tables in `holding` are.
        """
        staging = Staging(self._driver, self._url, kind, tables, holding)
        staging.prepare()
        return staging

    def has_table(self, kind: PostgresKind, table: str) -> bool:
        """Whether the live schema has this table."""
        with postgres_errors(self._url, kind):
            [(name,)] = self._driver.execute("SELECT to_regclass(%s)", (f"{kind.schema}.{table}",)).fetchall()
        return name is not None

    def rows(self, kind: PostgresKind, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Query the live schema."""
        with postgres_errors(self._url, kind):
            return [tuple(row) for row in self._driver.execute(sql.encode(), parameters).fetchall()]

    def publish(self, stagings: "Sequence[Staging]") -> None:
        """Replace the live schemas by the staging schemas, in one transaction.

        OperatorError `not_empty` if a server has written to a live schema meanwhile.
        """
        with postgres_errors(self._url, self._kind), self._driver.transaction():
            self._driver.execute(f"SELECT pg_advisory_xact_lock({LOCKS}, {MIGRATION})")
            for staging in stagings:
                staging.publish()


class Staging:
    """The staging schema of one kind."""

    def __init__(
        self, driver: Driver, url: str, kind: PostgresKind, tables: Sequence[str], holding: Sequence[str]
    ) -> None:
        self.kind = kind
        self._holding = holding
        self._driver = driver
        self._url = url
        self._tables = tables
        self._own = replace(kind, name=f"{kind.name}_copy", lock=None)

    def prepare(self) -> None:
        """Create the schema, with triggers disabled: the rows already contain the effects of triggers."""
        with self._errors():
            migrate(self._driver, self._own)
            for table in self._tables:
                self._driver.execute(f"ALTER TABLE {self._name(table)} DISABLE TRIGGER USER")

    def columns(self, table: str) -> list[str]:
        """The names of the table's columns."""
        sql = "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s"
        with self._errors():
            rows = self._driver.execute(f"{sql} ORDER BY ordinal_position", (self._own.schema, table)).fetchall()
        return [str(row[0]) for row in rows]

    def rows(
        self,
        table: str,
        columns: Sequence[str],
        key: Sequence[str],
        after: Sequence[Any] | None,
        through: Sequence[Any] | None,
    ) -> list[tuple[Any, ...]]:
        """The rows whose key is greater than `after` and at most `through`, in key order; None is no bound."""
        where, parameters = _range_clause(key, after, through)
        sql = f"SELECT {', '.join(columns)} FROM {self._name(table)}{where} ORDER BY {', '.join(key)}"  # noqa: S608
        with self._errors():
            return [tuple(row) for row in self._driver.execute(sql.encode(), parameters).fetchall()]

    def last_key(self, table: str, key: str) -> int | None:
        """The greatest key of a table; None if it is empty."""
        with self._errors():
            [(last,)] = self._driver.execute(f"SELECT max({key}) FROM {self._name(table)}".encode()).fetchall()  # noqa: S608
        return None if last is None else int(last)

    def delete(
        self, table: str, key: Sequence[str], after: Sequence[Any] | None, through: Sequence[Any] | None
    ) -> None:
        """Delete the rows whose key is greater than `after` and at most `through`."""
        where, parameters = _range_clause(key, after, through)
        with self._errors():
            self._driver.execute(f"DELETE FROM {self._name(table)}{where}".encode(), parameters)  # noqa: S608

    def replace(
        self,
        table: str,
        columns: Sequence[str],
        key: Sequence[str],
        after: Sequence[Any] | None,
        rows: Sequence[Sequence[Any]],
        *,
        has_some: bool,
    ) -> None:
        """Make these the only rows from `after` to the last one's key; `has_some` is whether others are there."""
        at = [columns.index(name) for name in key]
        sql = f"COPY {self._name(table)} ({', '.join(columns)}) FROM STDIN"
        with self._errors(), self._driver.transaction():
            if has_some:
                self.delete(table, key, after, [rows[-1][column] for column in at])
            with self._driver.cursor() as cursor, cursor.copy(sql.encode()) as copy:
                for row in rows:
                    copy.write_row(row)

    def empty(self) -> None:
        """Delete every row of every table."""
        with self._errors():
            self._driver.execute(f"TRUNCATE {', '.join(map(self._name, self._tables))}".encode())

    def publish(self) -> None:
        """Replace the live schema, within the transaction of the target."""
        kind, own = self.kind, self._own
        [(is_there,)] = self._driver.execute("SELECT to_regnamespace(%s) IS NOT NULL", (kind.schema,)).fetchall()
        if is_there:
            self._drop_empty()
        for table in self._tables:
            self._driver.execute(f"ALTER TABLE {self._name(table)} ENABLE TRIGGER USER")
            for column in self._identity_columns(table):
                last = f"SELECT coalesce(max({column}), 0) + 1 FROM {self._name(table)}"  # noqa: S608
                sequence = f"pg_get_serial_sequence('{self._name(table)}', '{column}')"
                self._driver.execute(f"SELECT setval({sequence}, ({last}), false)".encode())
        self._driver.execute(f"ALTER SCHEMA {own.schema} RENAME TO {kind.schema}".encode())
        self._driver.execute("DELETE FROM taskhand.schema_version WHERE kind = %s", (kind.name,))
        self._driver.execute("UPDATE taskhand.schema_version SET kind = %s WHERE kind = %s", (kind.name, own.name))

    def _drop_empty(self) -> None:
        """Drop the live schema if it is empty; writes to it are locked out meanwhile."""
        names = [f"{self.kind.schema}.{table}" for table in self._holding]
        self._driver.execute(f"LOCK TABLE {', '.join(names)} IN ACCESS EXCLUSIVE MODE".encode())
        used = " OR ".join(f"EXISTS (SELECT 1 FROM {name})" for name in names)  # noqa: S608  names of ours
        [(is_used,)] = self._driver.execute(f"SELECT {used}".encode()).fetchall()
        if is_used:
            raise OperatorError(
                f"A server has begun to use the {self.kind.label} in {describe_database(self._url)} meanwhile, "
                "so nothing was put in its place.",
                code="not_empty",
                next_step="Stop every server of this database, and name an empty one.",
            )
        self._driver.execute(f"DROP SCHEMA {self.kind.schema} CASCADE".encode())

    def _identity_columns(self, table: str) -> list[str]:
        sql = (
            "SELECT column_name FROM information_schema.columns "
            "WHERE table_schema = %s AND table_name = %s AND is_identity = 'YES'"
        )
        return [str(row[0]) for row in self._driver.execute(sql, (self._own.schema, table)).fetchall()]

    def _name(self, table: str) -> str:
        return f"{self._own.schema}.{table}"

    def _errors(self) -> Any:
        return postgres_errors(self._url, self.kind)


@contextmanager
def open_target(url: str, kind: PostgresKind) -> Iterator[Target]:
    """Open the database at `url`. OperatorError if it cannot be used for this kind, or another process copies to it."""
    with postgres_errors(url, kind):
        driver = connect(url)
    with closing(driver):
        with postgres_errors(url, kind):
            # A portion lost in a crash of the database is copied again; the last commit flushes all earlier ones.
            driver.execute("SET synchronous_commit = off")
            try:
                driver.execute(f"SET lock_timeout = '{_ENDING_S}s'")
                driver.execute(f"SELECT pg_advisory_lock({LOCKS}, {_COPYING})")
                driver.execute("RESET lock_timeout")
            except LockNotAvailable:
                raise OperatorError(
                    f"Another process copies to {describe_database(url)} at the moment.",
                    code="store_busy",
                    retryable=True,
                    next_step="Wait for it.",
                ) from None
        yield Target(driver, url, kind)


def _range_clause(
    key: Sequence[str], after: Sequence[Any] | None, through: Sequence[Any] | None
) -> tuple[str, list[Any]]:
    """The WHERE clause for keys between two bounds, and its parameters."""
    names, marks = ", ".join(key), ", ".join(["%s"] * len(key))
    parts = [f"({names}) {sign} ({marks})" for sign, bound in ((">", after), ("<=", through)) if bound is not None]
    parameters = [value for bound in (after, through) if bound is not None for value in bound]
    return (f" WHERE {' AND '.join(parts)}" if parts else ""), parameters
