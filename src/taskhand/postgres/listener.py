"""The messages of other processes on a channel of a PostgreSQL database, received on a connection of its own."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import anyio
import psycopg
from anyio import to_thread

from taskhand.postgres.connection import Driver, connect
from taskhand.postgres.database import Database
from taskhand.postgres.errors import postgres_errors
from taskhand.postgres.process_lease import SESSIONS
from taskhand.postgres.store import PostgresStore
from taskhand.sql.connection import SqlConnection

__all__ = ["NotifyChannel"]

_MAX_AT_ONCE: Final = 1_000


class _Opening:
    """A connection that a thread opens; it is closed if nobody waits for it any more."""

    def __init__(self, connect: Callable[[], Driver]) -> None:
        self._connect = connect
        self._driver: Driver | None = None
        self._is_abandoned = False

    def run(self) -> Driver:
        """The connection."""
        self._driver = driver = self._connect()
        if self._is_abandoned:
            driver.close()
        return driver

    def abandon(self) -> None:
        """Close the connection, now or as soon as the thread has opened it."""
        self._is_abandoned = True
        if self._driver is not None:
            self._driver.close()


class NotifyChannel:
    """A LISTEN/NOTIFY channel between processes: `send` sends, `receive` waits for what is sent after `listen`.

    Messages sent while no process listens, or while the connection is cut, are lost. Every method raises OperatorError
    if the database cannot be used.
    """

    def __init__(self, database: Database, name: str) -> None:
        self._store = PostgresStore(database, SESSIONS)
        self._url = database.url
        self._name = name
        self._driver: Driver | None = None

    async def send(self, messages: Sequence[str]) -> None:
        """Send to all listeners, this process included; each message at most 8,000 bytes."""

        def notify(connection: SqlConnection) -> None:
            for message in messages:
                connection.execute("SELECT pg_notify(?, ?)", (self._name, message))

        await to_thread.run_sync(partial(self._store.write_now, notify), abandon_on_cancel=True)

    async def listen(self) -> None:
        """Start to listen, on a new connection."""
        await self._leave()
        opening = _Opening(self._connect)
        try:
            self._driver = await to_thread.run_sync(opening.run, abandon_on_cancel=True)
        except anyio.get_cancelled_exc_class():
            opening.abandon()
            raise

    async def receive(self) -> list[str]:
        """Wait for and return the next messages."""
        if self._driver is None:
            await self.listen()
        driver = self._driver
        while driver is not None:
            await anyio.wait_readable(driver.fileno())
            with postgres_errors(self._url, SESSIONS):  # does not block: the socket is readable
                if found := [
                    notification.payload for notification in driver.notifies(timeout=0, stop_after=_MAX_AT_ONCE)
                ]:
                    return found
        return []

    async def aclose(self) -> None:
        """Stop listening, and close the connections."""
        await self._leave()
        await self._store.aclose()

    def _connect(self) -> Driver:
        with postgres_errors(self._url, SESSIONS):
            driver = connect(self._url)
            try:
                driver.execute(f'LISTEN "{self._name}"'.encode())
            except psycopg.Error:
                driver.close()
                raise
            return driver

    async def _leave(self) -> None:
        driver, self._driver = self._driver, None
        if driver is not None:
            driver.close()
