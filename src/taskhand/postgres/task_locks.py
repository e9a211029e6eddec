"""Locks on names, such as tasks, that processes share: one process holds a lock at a time.

A lock also ends with the lease of its process. A crash of the database may lose a lock that was just acquired: the
writes of a change are guarded by its claims and its ending, which are not lost.
"""

import logging
from collections.abc import Collection
from hashlib import sha256
from itertools import count
from typing import Final

from taskhand.domain.errors import OperatorError
from taskhand.postgres.process_lease import Lease
from taskhand.postgres.store import PostgresStore
from taskhand.sql.connection import SqlConnection

__all__ = ["SharedTaskLocks"]

_log = logging.getLogger(__name__)

_ACQUIRE: Final = """
INSERT INTO turn (name, holder, last)
SELECT wanted.name, ?, ? FROM unnest(CAST(? AS text[])) AS wanted (name) ORDER BY wanted.name
ON CONFLICT (name) DO UPDATE
SET holder = excluded.holder, former = coalesce(turn.last, ''), last = excluded.last, free_since = NULL
WHERE turn.holder = excluded.holder OR NOT EXISTS (
    SELECT 1 FROM session WHERE session.session = turn.holder AND session.holder = session.session
    AND session.seen_at > clock_timestamp() - CAST(? AS double precision) * interval '1 second'
)
RETURNING name, former
"""
_RELEASE: Final = "UPDATE turn SET holder = NULL, free_since = clock_timestamp() WHERE name = ? AND holder = ?"
_FORGET_OLD: Final = """
DELETE FROM turn WHERE name IN (
    SELECT name FROM turn WHERE holder IS NULL AND free_since < clock_timestamp() - interval '10 minutes'
    ORDER BY free_since LIMIT 200 FOR UPDATE SKIP LOCKED
)
"""
"""A row is not needed ten minutes after the release; SKIP LOCKED waits for no process that acquires the lock."""
_FORGET_EVERY: Final = 50


class _HeldByAnother(Exception):
    """Another process holds one of the locks."""


class SharedTaskLocks:
    """The locks of this process, held under the name of its lease."""

    def __init__(self, store: PostgresStore, lease: Lease) -> None:
        self._store = store
        self._lease = lease
        self._unreleased: dict[str, str] = {}
        """Locks that could not be released yet, with their holders."""
        self._times = count()

    def acquire(self, names: Collection[str]) -> frozenset[str] | None:
        """Acquire all these locks; the names whose last recent holder was another process.

        None if another living process holds one of them: then none is acquired.
        """
        self._lease.acquire()
        holder, by_digest = self._lease.session, {_digest(name): name for name in names}
        wanted = sorted(by_digest)

        def work(connection: SqlConnection) -> list[str]:
            connection.executemany(_RELEASE, sorted(self._unreleased.items()))
            taken = connection.execute(_ACQUIRE, (holder, holder, wanted, self._lease.lease_s)).fetchall()
            if len(taken) != len(wanted):
                raise _HeldByAnother
            return [row["name"] for row in taken if row["former"] not in {None, holder}]

        try:
            others = self._store.write_now(work, durable=False)
        except _HeldByAnother:
            return None
        self._unreleased.clear()
        return frozenset(by_digest[digest] for digest in others)

    def release(self, names: Collection[str]) -> None:
        """Release these locks; if the database does not answer, they are released later."""
        rows = {_digest(name): self._lease.session for name in names}
        forgets = next(self._times) % _FORGET_EVERY == 0

        def work(connection: SqlConnection) -> None:
            connection.executemany(_RELEASE, sorted((self._unreleased | rows).items()))
            if forgets:
                connection.execute(_FORGET_OLD)

        try:
            self._store.write_now(work, durable=False)
        except OperatorError as error:
            self._unreleased |= rows
            _log.warning("turns are given back later: %s", error.message)
        else:
            self._unreleased.clear()


def _digest(name: str) -> str:
    return sha256(name.encode(errors="replace")).hexdigest()
