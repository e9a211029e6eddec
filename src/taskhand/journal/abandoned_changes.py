"""The search for open changes whose process has ended, which this process then takes over."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from taskhand.journal import change_lookup
from taskhand.journal.journal import Change
from taskhand.sql.connection import SqlConnection

if TYPE_CHECKING:
    from taskhand.journal.storage import JournalStorage

__all__ = ["AbandonedChanges"]

_SEARCH_EVERY_S: Final = 5.0
"""Seconds between two searches for changes that dead processes left open."""


class AbandonedChanges:
    """Finds the open changes of dead processes, and takes these processes over."""

    def __init__(self, storage: "JournalStorage", monotonic: Callable[[], float]) -> None:
        """`monotonic` returns seconds."""
        self._storage = storage
        self._monotonic = monotonic
        self._is_swept = False
        self._search_again_at = -math.inf

    @property
    def is_due(self) -> bool:
        """Whether to search: a search without a result is not repeated for a few seconds."""
        return self._monotonic() >= self._search_again_at

    async def find(self, account_names: Sequence[str]) -> tuple[Change, ...]:
        """The open changes of these accounts whose process has ended, oldest first."""
        store, processes = self._storage.store, self._storage.processes
        sessions = await store.peek(partial(_find_sessions, processes.session)) | processes.taken_over
        if not self._is_swept:
            self._is_swept = True
            sessions |= frozenset(processes.other_sessions())
        # A new transaction, to see what another process settled before it released a lock.
        abandoned = await store.read(partial(self._take_over, sessions, account_names)) if sessions else ()
        self._search_again_at = self._monotonic() + (0.0 if abandoned else _SEARCH_EVERY_S)
        return abandoned

    async def release(self, account_names: Sequence[str]) -> None:
        """Release the processes that were taken over and have no open change of these accounts any more."""
        if taken_over := self._storage.processes.taken_over:
            await self._storage.store.read(partial(self._take_over, taken_over, account_names))

    def _take_over(
        self, sessions: frozenset[str], account_names: Sequence[str], connection: SqlConnection
    ) -> tuple[Change, ...]:
        """Take over those of the sessions that are dead, delete unneeded locks, and return the open changes."""
        processes = self._storage.processes
        dead = [session for session in sorted(sessions) if processes.take_over(session)]
        rows = change_lookup.find_open_changes(connection, dead)
        ours = [row for row in rows if row["place"] in account_names]
        for session in dead:
            if not any(row["session"] == session for row in rows):
                processes.delete(session)
            elif not any(row["session"] == session for row in ours):
                processes.release(session)
        return change_lookup.load_changes(connection, [row["change_id"] for row in ours])


def _find_sessions(own_session: str, connection: SqlConnection) -> frozenset[str]:
    """The other processes with open changes."""
    rows = connection.execute("SELECT DISTINCT session FROM under_way WHERE session != ?", (own_session,))
    return frozenset(row["session"] for row in rows)
