"""Writes of the journal that its store could not take yet."""

from collections.abc import Callable

from taskhand.domain.errors import OperatorError
from taskhand.sql.connection import SqlConnection
from taskhand.sql.store import SqlStore

__all__ = ["Backlog"]


class Backlog:
    """Keeps writes in memory, in their order, until the store can be written again."""

    def __init__(self) -> None:
        self._works: list[Callable[[SqlConnection], None]] = []

    def add(self, work: Callable[[SqlConnection], None]) -> None:
        """Keep a write, to be made after those that are kept already."""
        self._works.append(work)

    async def catch_up(self, store: SqlStore) -> None:
        """Make the writes that are kept; OperatorError where that still fails."""
        while self._works:
            work = self._works.pop(0)
            try:
                await store.write(work, durable=False)
            except OperatorError:
                self._works.insert(0, work)
                raise
