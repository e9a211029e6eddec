"""A connection to PostgreSQL as work sees it: statements with `?`, and rows by number and by name."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from functools import lru_cache
from typing import Any, ClassVar, Final

import psycopg
from psycopg.conninfo import make_conninfo

from taskhand.postgres.statement_parameters import to_driver

__all__ = ["Driver", "PostgresConnection", "PostgresRow", "connect", "storable"]

Driver = psycopg.Connection["PostgresRow"]
"""The driver's connection."""

_CONNECT_S: Final = 5
"""Timeout, in seconds, of connecting."""
_SILENT_S: Final = 10
"""Seconds after which a connection counts as cut whose other end is silent."""
_PAUSED_S: Final = 10
"""Seconds after which the server ends a transaction whose process does nothing: a paused one holds nobody up."""


class PostgresRow(tuple[Any, ...]):
    """The values of a row, by number and by name."""

    __slots__ = ()
    _index: ClassVar[dict[str, int]] = {}

    def __getitem__(self, key: Any) -> Any:
        return tuple.__getitem__(self, self._index[key] if isinstance(key, str) else key)

    def keys(self) -> list[str]:
        """The names of the columns."""
        return list(self._index)


@lru_cache(maxsize=512)
def _row_class(names: tuple[str, ...]) -> type[PostgresRow]:
    return type("Row", (PostgresRow,), {"__slots__": (), "_index": {name: at for at, name in enumerate(names)}})


def _row_factory(cursor: psycopg.Cursor[Any]) -> Callable[[Sequence[Any]], PostgresRow]:
    described = cursor.description
    return _row_class(tuple(column.name for column in described)) if described else _row_class(())


class PostgresConnection:
    """Runs statements in the transaction that the store has begun."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> "_Cursor":
        """Run one statement."""
        return _Cursor(self._driver.execute(to_driver(sql), storable(parameters)))

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> "_Cursor":
        """Run one statement for each of many parameters, which are sent together."""
        cursor = self._driver.cursor()
        if rows := [storable(parameter) for parameter in parameters]:  # without rows it would still send one
            cursor.executemany(to_driver(sql), rows)
        return _Cursor(cursor)


def storable(parameters: Sequence[Any]) -> list[Any]:
    """The parameters with a mark for each character that PostgreSQL has no text for."""
    return [_mark(parameter) if isinstance(parameter, str) else parameter for parameter in parameters]


def _mark(value: str) -> str:
    if value.isascii() and "\0" not in value:
        return value
    return value.replace("\0", "\ufffd").encode(errors="replace").decode()


class _Cursor:
    """The result of a statement."""

    def __init__(self, cursor: psycopg.Cursor[PostgresRow]) -> None:
        self._cursor = cursor

    @property
    def rowcount(self) -> int:
        return self._cursor.rowcount

    def fetchone(self) -> PostgresRow | None:
        return self._cursor.fetchone()

    def fetchall(self) -> list[PostgresRow]:
        return self._cursor.fetchall()

    def __iter__(self) -> Iterator[PostgresRow]:
        return iter(self._cursor)


def connect(url: str) -> Driver:
    """A new connection, which begins no transaction of itself; psycopg.Error if there is none in time."""
    wanted = make_conninfo(
        url,
        connect_timeout=_CONNECT_S,
        application_name="taskhand",
        client_encoding="utf8",
        keepalives_idle=_SILENT_S // 2,
        keepalives_interval=1,
        keepalives_count=_SILENT_S // 2,
        tcp_user_timeout=_SILENT_S * 1_000,
    )
    with ExitStack() as until_ready:
        driver = until_ready.enter_context(closing(psycopg.connect(wanted, autocommit=True, row_factory=_row_factory)))
        driver.execute(f"SET idle_in_transaction_session_timeout = '{_PAUSED_S}s'".encode())
        driver.prepare_threshold = 2
        until_ready.pop_all()
    return driver
