"""Turns that processes take at things with a name, such as a task: one process has a turn at a time.

A turn ends with the lease of its process too. A crash of the database may lose a turn that was just taken: what is
written for a change is guarded by its claims and its ending, which are not lost.
"""

import logging
from collections.abc import Collection
from hashlib import sha256
from typing import Final

from taskhand.domain.errors import OperatorError
from taskhand.postgres.lease import Lease
from taskhand.postgres.store import Store
from taskhand.sql.connection import SqlConnection

__all__ = ["Turns"]

_log = logging.getLogger(__name__)

_UNHURRIED: Final = "SET LOCAL synchronous_commit = off"
_TAKE: Final = """
INSERT INTO turn VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET holder = excluded.holder
WHERE turn.holder = excluded.holder OR NOT EXISTS (
    SELECT 1 FROM session WHERE session.session = turn.holder AND session.holder = session.session
    AND session.seen_at > clock_timestamp() - CAST(? AS double precision) * interval '1 second'
)
"""
_GIVE_BACK: Final = "DELETE FROM turn WHERE name = ? AND holder = ?"


class _TakenByAnother(Exception):
    """Another process has one of the turns."""


class Turns:
    """The turns of this process, under the name that its lease has."""

    def __init__(self, store: Store, lease: Lease) -> None:
        self._store = store
        self._lease = lease
        self._left: dict[str, str] = {}
        """Turns that could not be given back yet, with their holders."""

    def take(self, names: Collection[str]) -> bool:
        """Take all these turns, or none where another living process has one of them."""
        self._lease.acquire()
        holder = self._lease.session
        rows = [(_digest(one), holder, self._lease.lease_s) for one in sorted(names)]

        def work(connection: SqlConnection) -> None:
            connection.execute(_UNHURRIED)
            connection.executemany(_GIVE_BACK, list(self._left.items()))
            for row in rows:
                if connection.execute(_TAKE, row).rowcount != 1:
                    raise _TakenByAnother

        try:
            self._store.write_now(work)
        except _TakenByAnother:
            return False
        self._left.clear()
        return True

    def give_back(self, names: Collection[str]) -> None:
        """Let another process have these turns; where the database does not answer, that is made up for later."""
        rows = {_digest(one): self._lease.session for one in names}

        def work(connection: SqlConnection) -> None:
            connection.execute(_UNHURRIED)
            connection.executemany(_GIVE_BACK, list((self._left | rows).items()))

        try:
            self._store.write_now(work)
        except OperatorError as error:
            self._left |= rows
            _log.warning("turns are given back later: %s", error.message)
        else:
            self._left.clear()


def _digest(name: str) -> str:
    return sha256(name.encode(errors="replace")).hexdigest()
