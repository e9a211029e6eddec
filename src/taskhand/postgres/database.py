"""One PostgreSQL database, and this process's connections to it, each used by one thread at a time.

Work is a plain function of a connection and runs in a transaction. If the connection breaks before the commit was sent,
the work is retried on a new connection. If it breaks later, a new connection looks up the outcome by the transaction
id; if that is impossible, the error says that the outcome is unknown.
"""

import time
from collections.abc import Callable
from contextlib import closing, suppress
from functools import cache, partial
from threading import Lock
from typing import Final, TypeVar

import anyio
import psycopg
from anyio import to_thread
from psycopg import errors
from psycopg.pq import TransactionStatus

from taskhand.call.deadline import time_left
from taskhand.postgres.connection import Driver, PostgresConnection, connect
from taskhand.postgres.errors import (
    describe_database,
    is_connection_lost,
    is_refused,
    postgres_errors,
    unreachable_error,
)
from taskhand.postgres.migrations import LOCKS, PostgresKind, migrate

__all__ = ["BUSY_S", "MAX_CONNECTIONS", "Database", "open_shared"]

_T = TypeVar("_T")

MAX_CONNECTIONS: Final = 8
"""Maximum concurrent connections of one process."""
BUSY_S: Final = 5.0
"""Seconds that a write waits for another process."""
_TRIES: Final = 8
"""Maximum attempts at work: enough to outlast a restart of PostgreSQL."""
_PAUSE_S: Final = 0.1
"""Seconds before the third attempt, doubled for each later one. The second follows at once, on a new connection."""
_HELD_SHARE: Final = 0.6
"""The share of `busy_s` after which the server ends an idle write transaction, such as that of a paused process."""
_STATEMENT_S: Final = 30.0
"""Timeout, in seconds, of one statement."""
_MIN_WRITE_S: Final = 0.5
"""Minimum seconds for a write whose call has no time left: results must still be stored."""

_END: Final = """
SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity
WHERE backend_xid = %s::text::xid8::xid AND usename = current_user AND application_name = 'taskhand'
"""
"""Ends an open transaction by its id; a committed one is unaffected."""


class Database:
    """The connections of this process to the database at `url`."""

    def __init__(
        self,
        url: str,
        *,
        most: int = MAX_CONNECTIONS,
        busy_s: float = BUSY_S,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`most` is the maximum number of concurrent calls; `busy_s` is how many seconds a write waits for others."""
        self._url = url
        self._busy_s = busy_s
        self._sleep = sleep
        self._limiter = anyio.CapacityLimiter(most)
        self._idle: list[Driver] = []
        self._lock = Lock()
        self._migrated: set[str] = set()
        self._users = 0
        self._is_down = False

    @property
    def url(self) -> str:
        """The address, with the password: not to be shown."""
        return self._url

    @property
    def location(self) -> str:
        """The host and name of the database, without credentials."""
        return describe_database(self._url)

    async def run(self, kind: PostgresKind, work: Callable[[PostgresConnection], _T], *, writes: bool) -> _T:
        """Run the work in a transaction, in a thread; a cancelled caller still waits for it."""
        return await self.in_thread(partial(self.run_now, kind, work, writes=writes))

    async def in_thread(self, work: Callable[[], _T]) -> _T:
        """Run work that uses `run_now` in a thread; as many run at once as there are connections."""
        return await to_thread.run_sync(work, limiter=self._limiter)

    async def exists(self, kind: PostgresKind) -> bool:
        """Whether the database has a schema of this kind; it is not created."""
        return await self.in_thread(partial(self._try, kind, partial(self._has_schema, kind)))

    def run_now(
        self, kind: PostgresKind, work: Callable[[PostgresConnection], _T], *, writes: bool, durable: bool = True
    ) -> _T:
        """Run the work in a transaction, in this thread. OperatorError if the database cannot be used.

        A write that is not `durable` may be lost if the database crashes.
        """
        return self._try(kind, partial(self._transact, kind, work, writes=writes, durable=durable))

    def _try(self, kind: PostgresKind, attempt: Callable[[], _T]) -> _T:
        """Retry, within bounds, if the connection breaks; once and without a pause if the last work failed so too."""
        with postgres_errors(self._url, kind):
            for number in range(2 if self._is_down else _TRIES):
                if number > 1:
                    self._sleep(min(_PAUSE_S * 2 ** (number - 2), time_left()))
                try:
                    done = attempt()
                except _Cut as cut:
                    error = cut.error
                else:
                    self._is_down = False
                    return done
                if time_left() <= 0:
                    break
            self._is_down = True
            raise error

    def _has_schema(self, kind: PostgresKind) -> bool:
        driver = self._connect()
        try:
            sql = "SELECT to_regclass('taskhand.schema_version') IS NOT NULL AND to_regnamespace(%s) IS NOT NULL"
            [(exists,)] = driver.execute(sql, (kind.schema,)).fetchall()
        except psycopg.Error as error:
            if is_connection_lost(error, driver):
                raise _Cut(error) from error
            raise
        finally:
            self._give_back(driver)
        return bool(exists)

    def enter(self) -> None:
        """Add one user of the connections."""
        with self._lock:
            self._users += 1

    async def leave(self) -> None:
        """Remove one user; the last one closes the connections."""
        with self._lock:
            self._users -= 1
            is_last = self._users == 0
        if is_last:
            await to_thread.run_sync(self._drop_idle)

    def _transact(
        self, kind: PostgresKind, work: Callable[[PostgresConnection], _T], *, writes: bool, durable: bool
    ) -> _T:
        """Run the work once; _Cut if the connection broke and nothing was committed."""
        driver = self._connect()
        number: str | None = None
        is_sent = False
        try:
            self._migrate(driver, kind)
            number = self._begin(driver, kind, writes=writes, durable=durable)
            result = work(PostgresConnection(driver))
            is_sent = True
            driver.execute("COMMIT", prepare=False)
        except psycopg.Error as error:
            if not is_connection_lost(error, driver):
                raise
            driver.close()
            self._drop_idle()
            if not is_sent or (number is not None and not self._was_committed(number, kind)):
                self._end(number)
                raise _Cut(error) from error
        finally:
            self._give_back(driver)
        return result

    def _migrate(self, driver: Driver, kind: PostgresKind) -> None:
        """Migrate the schema, once in the life of this process."""
        if kind.name not in self._migrated:
            migrate(driver, kind)
            self._migrated.add(kind.name)

    def _begin(self, driver: Driver, kind: PostgresKind, *, writes: bool, durable: bool) -> str | None:
        """Begin a transaction in one round trip; the transaction id if it writes."""
        left = time_left()
        statement_ms = int(1_000 * max(_MIN_WRITE_S, min(_STATEMENT_S, left)))
        lock_ms = int(1_000 * max(_MIN_WRITE_S, min(self._busy_s, left)))
        number = "pg_current_xact_id()::text" if writes else "NULL"
        held_ms = int(1_000 * _HELD_SHARE * self._busy_s)
        takes_turn = writes and kind.lock is not None
        statements = (
            f"BEGIN ISOLATION LEVEL {'READ COMMITTED' if writes else 'REPEATABLE READ READ ONLY'}",
            f"SET LOCAL search_path TO {kind.schema}, pg_catalog",
            f"SET LOCAL statement_timeout = {statement_ms}",
            f"SET LOCAL lock_timeout = {lock_ms}",
            *([f"SET LOCAL idle_in_transaction_session_timeout = {held_ms}"] if writes else []),
            *([] if durable else ["SET LOCAL synchronous_commit = off"]),
            *([f"SELECT pg_advisory_xact_lock({LOCKS}, {kind.lock})"] if takes_turn else []),
            f"SELECT version, oldest, {number} AS number FROM taskhand.schema_version WHERE kind = '{kind.name}'",  # noqa: S608
        )
        cursor = driver.execute("; ".join(statements).encode())
        while cursor.nextset():
            pass
        row = cursor.fetchone()
        if row is None:
            raise errors.UndefinedTable
        kind.check_version(row["version"], row["oldest"])
        return None if row["number"] is None else str(row["number"])

    def _was_committed(self, number: str, kind: PostgresKind) -> bool:
        """Whether a transaction whose answer was lost was committed. OperatorError if that is unknown."""
        for attempt in range(_TRIES - 1):
            status = self._end(number)
            if status in {"committed", "aborted"}:
                return status == "committed"
            self._sleep(_PAUSE_S * 2**attempt)
        why = "the connection broke during a commit, so it is not known whether the last write was stored"
        raise unreachable_error(self._url, kind, why, in_doubt=True)

    def _end(self, number: str | None) -> str | None:
        """End a transaction whose connection broke, and return its outcome; None if the database does not answer.

        The database has not noticed the lost connection yet, and would keep the locks of the transaction.
        """
        if number is None:
            return None
        with suppress(psycopg.Error), closing(connect(self._url)) as driver:
            driver.execute(_END, (number,))
            [(status,)] = driver.execute("SELECT pg_xact_status(%s::text::xid8)", (number,)).fetchall()
            return str(status)
        return None

    def _connect(self) -> Driver:
        """A connection; _Cut if it fails in a way that a retry may mend."""
        try:
            return self._take_connection()
        except psycopg.OperationalError as error:
            if is_refused(error):
                raise
            raise _Cut(error) from error

    def _take_connection(self) -> Driver:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return connect(self._url)

    def _give_back(self, driver: Driver) -> None:
        """Return a connection to the pool, outside any transaction; close an unusable one."""
        try:
            if not driver.closed and driver.info.transaction_status is not TransactionStatus.IDLE:
                driver.execute("ROLLBACK")
        except psycopg.Error:
            driver.close()
        if driver.closed:
            return
        with self._lock:
            if self._users:
                self._idle.append(driver)
                return
        driver.close()

    def _drop_idle(self) -> None:
        """Close all idle connections: the fault that broke one has broken them all."""
        with self._lock:
            idle, self._idle = self._idle, []
        for driver in idle:
            driver.close()


@cache
def open_shared(url: str) -> Database:
    """The Database at an address: one instance for each process, whatever is stored there."""
    return Database(url)


class _Cut(Exception):
    """The connection broke, and nothing of the work was committed."""

    def __init__(self, error: psycopg.Error) -> None:
        super().__init__(str(error))
        self.error = error
