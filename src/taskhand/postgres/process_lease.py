"""Liveness of the processes that share a database: each renews a lease in it while it lives.

A lock held by a connection would be less reliable: a cut connection or a restart of the database would make a living
process look dead, and a paused process keeps its connection. So a process counts as dead once its lease has expired by
the clock of the database. The process itself knows earlier, since it counts from before it sent the renewal. A process
whose lease was taken over continues under a new name: its unfinished work belongs to the other process.
"""

import logging
import time
from collections.abc import Callable
from functools import partial
from math import inf
from secrets import token_hex
from threading import Event, Lock, Thread
from typing import Final

from taskhand.domain.errors import OperatorError
from taskhand.postgres.migrations import PostgresKind
from taskhand.postgres.store import PostgresStore
from taskhand.sql.connection import SqlConnection

__all__ = ["LEASE_S", "SESSIONS", "Lease"]

_log = logging.getLogger(__name__)

SESSIONS: Final = PostgresKind("list of processes", "sessions", "taskhand.postgres")

LEASE_S: Final = 15.0
"""Seconds from a renewal until the lease expires and its process counts as dead."""
_RENEWALS: Final = 3
"""Renewals in the lifetime of a lease."""
_OWN_SHARE: Final = 0.8
"""The share of a lease for which its holder relies on it without a query: the answer to a renewal may be slow."""

_RENEW: Final = "UPDATE session SET seen_at = clock_timestamp() WHERE session = ? AND holder = session"
_ENTER: Final = "INSERT INTO session VALUES (?, ?, clock_timestamp())"
_FORGET_OLD: Final = "DELETE FROM session WHERE seen_at < clock_timestamp() - interval '7 days'"
_FREE_LEFT: Final = """
UPDATE turn SET holder = NULL, last = holder, free_since = clock_timestamp()
WHERE holder = ? OR holder NOT IN (SELECT session FROM session)
"""
"""Releases the turns of a process and those of dead ones; the last holder stays known for a while."""
_TAKE_OVER: Final = """
INSERT INTO session VALUES (?, ?, clock_timestamp())
ON CONFLICT (session) DO UPDATE SET holder = excluded.holder
WHERE session.holder = excluded.holder OR NOT EXISTS (
    SELECT 1 FROM session AS other WHERE other.session = session.holder
    AND other.seen_at > clock_timestamp() - CAST(? AS double precision) * interval '1 second'
)
"""
"""A missing row belongs to a dead process; an existing one can be taken from a holder that is dead."""


class Lease:
    """The lease of this process, and the dead processes that it has taken over.

    `lease_s` is its duration in seconds; `monotonic` must advance while the process is paused. Methods block the
    caller's thread on the database, and raise OperatorError if it does not answer.
    """

    def __init__(
        self, store: PostgresStore, *, lease_s: float = LEASE_S, monotonic: Callable[[], float] | None = None
    ) -> None:
        self._store = store
        self.lease_s = lease_s
        self._monotonic = monotonic or _uptime
        self._lock = Lock()
        self._session = token_hex(8)
        self._held_until = -inf
        self._is_entered = False
        self._taken_over: set[str] = set()
        self._ended = Event()
        self._thread: Thread | None = None

    @property
    def session(self) -> str:
        """The name of this process; it changes after a takeover by another process."""
        return self._session

    @property
    def taken_over(self) -> frozenset[str]:
        """The dead processes that this process has taken over."""
        return frozenset(self._taken_over)

    def acquire(self) -> None:
        """Acquire the lease, under a new name if this process was taken over, and keep it renewed."""
        if not self._renew_if_needed():
            with self._lock:
                self._enter()
        self._start()

    def is_fresh(self, session: str) -> bool:
        """Whether this process holds the lease under this name, as far as is certain without a query."""
        return session == self._session and self._monotonic() < self._held_until

    def is_held(self, session: str) -> bool:
        """Whether this process still holds the lease under this name; renews it if that is not certain."""
        return session == self._session and self._renew_if_needed() and session == self._session

    def other_sessions(self) -> tuple[str, ...]:
        """Always empty: a dead process without open changes leaves only its row."""
        return ()

    def take_over(self, session: str) -> bool:
        """Take over another process's lease; False if it is alive, or a third process took it over."""
        if session in self._taken_over:
            return True
        self.acquire()
        change = (session, self._session, self.lease_s)
        if self._store.write_now(lambda connection: connection.execute(_TAKE_OVER, change).rowcount) != 1:
            return False
        self._taken_over.add(session)
        return True

    def release(self, session: str) -> None:
        """Release a lease that was taken over, so that another process can take it."""
        self._taken_over.discard(session)
        sql, change = "UPDATE session SET holder = NULL WHERE session = ? AND holder = ?", (session, self._session)
        self._store.write_now(lambda connection: connection.execute(sql, change).rowcount)

    def delete(self, session: str) -> None:
        """Delete the lease of a process that was taken over."""
        self._taken_over.discard(session)
        sql, change = "DELETE FROM session WHERE session = ? AND holder = ?", (session, self._session)
        self._store.write_now(lambda connection: connection.execute(sql, change).rowcount)

    def release_all(self) -> None:
        """Release the lease of this process and those that it took over; other processes may take them at once."""
        self._ended.set()
        self._thread = None
        self._taken_over.clear()
        with self._lock:
            self._held_until = -inf
            if self._is_entered:
                former, self._session, self._is_entered = self._session, token_hex(8), False
                self._store.write_now(partial(_leave, former))

    def _renew_if_needed(self) -> bool:
        """Whether the lease is held; renews it if its reliable share has passed."""
        if self._monotonic() < self._held_until:
            return True
        with self._lock:
            return self._is_entered and self._renew()

    def _renew(self) -> bool:
        """Renew the lease; False if another process has taken it over."""
        asked = self._monotonic()
        renewed = self._store.write_now(lambda connection: connection.execute(_RENEW, (self._session,)).rowcount)
        if renewed == 1:
            self._held_until = asked + _OWN_SHARE * self.lease_s
            return True
        if self._is_entered:
            _log.warning("this process did not answer for %g s, and others act for it now", self.lease_s)
            self._is_entered = False
            self._held_until = -inf
            self._taken_over.clear()
            self._session = token_hex(8)
        return False

    def _enter(self) -> None:
        """Insert a lease under the new name of this process."""
        session, asked = self._session, self._monotonic()

        def enter(connection: SqlConnection) -> None:
            connection.execute(_FORGET_OLD)
            connection.execute(_FREE_LEFT, (session,))
            connection.execute(_ENTER, (session, session))

        self._store.write_now(enter)
        self._is_entered = True
        self._held_until = asked + _OWN_SHARE * self.lease_s

    def _start(self) -> None:
        """Start the thread that renews the lease until its release."""
        if self._thread is None:
            self._ended = Event()
            self._thread = Thread(target=self._keep_renewing, args=(self._ended,), name="lease", daemon=True)
            self._thread.start()

    def _keep_renewing(self, ended: Event) -> None:
        while not ended.wait(self.lease_s / _RENEWALS):
            try:
                with self._lock:
                    if self._is_entered and not ended.is_set():
                        self._renew()
            except OperatorError as error:
                _log.warning("the life of this process could not be written down: %s", error.message)


def _leave(session: str, connection: SqlConnection) -> None:
    connection.execute(_FREE_LEFT, (session,))
    connection.execute("UPDATE session SET holder = NULL WHERE holder = ? AND session <> ?", (session, session))
    connection.execute("DELETE FROM session WHERE session = ? AND holder = ?", (session, session))


def _uptime() -> float:
    """Seconds since the machine started, including time asleep."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)
