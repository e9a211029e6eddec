"""Writes of the journal that its store could not take yet."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import anyio

from taskhand.domain.errors import OperatorError
from taskhand.sql.connection import SqlConnection

if TYPE_CHECKING:
    from taskhand.sql.store import SqlStore

__all__ = ["Backlog"]


class Backlog:
    """Keeps writes in memory, in their order, until the store can be written again."""

    def __init__(self) -> None:
        self._works: list[Callable[[SqlConnection], None]] = []
        self._turn = anyio.Lock()
        self._failure: OperatorError | None = None

    def add(self, work: Callable[[SqlConnection], None]) -> None:
        """Append a write to the queue."""
        self._works.append(work)

    async def catch_up(self, store: "SqlStore") -> None:
        """Flush the queued writes, also those that another caller is flushing; OperatorError if a write fails.

        A write stays in the queue until the store has it, so that other callers wait for it, and a cancelled caller
        loses none.
        """
        if not self._works:
            return
        former = self._failure
        async with self._turn:
            if self._failure is not None and self._failure is not former:
                raise self._failure  # the flush failed while this caller waited for it: no second wait
            while self._works:
                try:
                    with anyio.CancelScope(shield=True):
                        await store.write(self._works[0], durable=False)
                        del self._works[0]
                except OperatorError as error:
                    self._failure = error
                    raise
