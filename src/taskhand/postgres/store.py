"""The data of one kind in a PostgreSQL database."""

from collections.abc import Callable
from typing import TypeVar

from taskhand.postgres.database import Database
from taskhand.postgres.migrations import PostgresKind
from taskhand.sql.connection import SqlConnection

__all__ = ["PostgresStore"]

_T = TypeVar("_T")


class PostgresStore:
    """Runs work on the schema of its kind; the database is closed after the last of its stores."""

    def __init__(self, database: Database, kind: PostgresKind) -> None:
        self._database = database
        self._kind = kind
        self._is_user = False

    async def peek(self, work: Callable[[SqlConnection], _T]) -> _T:
        """As `read`."""
        return await self.read(work)

    async def read(self, work: Callable[[SqlConnection], _T]) -> _T:
        """Run `work` on one consistent view; OperatorError if the database cannot be used."""
        self._enter()
        return await self._database.run(self._kind, work, writes=False)

    async def write(self, work: Callable[[SqlConnection], _T], *, durable: bool = True, tasks: int = 1) -> _T:  # noqa: ARG002
        """Run `work` wholly or not at all, alone among the writes of this kind.

        Every write is durable: this process outlives a crash of the database, and goes on as if nothing were lost.
        """
        self._enter()
        return await self._database.run(self._kind, work, writes=True)

    def write_now(self, work: Callable[[SqlConnection], _T], *, durable: bool = True) -> _T:
        """As `write`, in the thread of the caller; what is not `durable` may be lost if the database crashes now."""
        self._enter()
        return self._database.run_now(self._kind, work, writes=True, durable=durable)

    def version(self) -> None:
        """None: the database has no such value."""

    async def exists(self) -> bool:
        """Whether anything was ever kept."""
        self._enter()
        return await self._database.exists(self._kind)

    async def aclose(self) -> None:
        """Close the connections, if no other store uses them; the next work opens new ones."""
        if self._is_user:
            self._is_user = False
            await self._database.leave()

    def _enter(self) -> None:
        if not self._is_user:
            self._is_user = True
            self._database.enter()
