"""The protocol of a store: a place for rows that several processes share."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from taskhand.sql.connection import SqlConnection

__all__ = ["SqlStore"]

_T = TypeVar("_T")


class SqlStore(Protocol):
    """Runs work, a plain function of a connection, in a transaction of its own.

    Work that waits is run in a thread, and may be run again from its beginning if its transaction was rolled back.
    Every method raises OperatorError if the store cannot be used.
    """

    async def peek(self, work: Callable[[SqlConnection], _T]) -> _T:
        """As `read`, for work that is usually quick."""
        ...

    async def read(self, work: Callable[[SqlConnection], _T]) -> _T:
        """Run `work` on one consistent view of the store."""
        ...

    async def write(self, work: Callable[[SqlConnection], _T], *, durable: bool = True, tasks: int = 1) -> _T:
        """Run `work` wholly or not at all, while no other write of this store runs, in any process.

        Not `durable`: the write survives a crash of this process, and perhaps not one of the machine that keeps it.
        `tasks` is how many tasks it writes.
        """
        ...

    def version(self) -> tuple[int, int] | None:
        """A value that changes when others write, and not by writes of this store; None if that takes a round trip."""
        ...

    async def exists(self) -> bool:
        """Whether the store exists; it is not created."""
        ...

    async def aclose(self) -> None:
        """Close the store after the work that is under way."""
        ...
