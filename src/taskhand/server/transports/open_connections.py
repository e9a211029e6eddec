"""The HTTP connections that are open, and which of them makes room for another."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from taskhand.server.transports.http_limits import HttpLimits
from taskhand.server.transports.peer_address import counted_address
from taskhand.server.transports.refusal_lines import RefusalLines

__all__ = ["ACCEPTED_AT_ONCE", "Closable", "OpenConnections", "connections_at_most"]

ACCEPTED_AT_ONCE: Final = 32
"""Connections that asyncio accepts before it goes on: some of them are open before others have made room."""
_OTHER_FILES: Final = 256 + 8 * ACCEPTED_AT_ONCE
"""Files that the process opens besides: those, stores, journals, connections to CRMs."""
_LEAST: Final = 16


class Closable(Protocol):
    """A connection that can be closed at once."""

    def abort(self) -> None:
        """Close it, whatever is under way."""
        ...


@dataclass(slots=True)
class _Address:
    """The connections of one address: how many, and those that wait, the one first that has waited longest.

    They wait for a request, or for the client to read an answer. A free address has no limits of its own.
    """

    name: str
    is_free: bool
    count: int = 0
    waiting: dict[Closable, None] = field(default_factory=dict)
    unread: dict[Closable, None] = field(default_factory=dict)


class OpenConnections:
    """Counts connections by address. `is_free` says which hosts have no limits of their own.

    Where an address has too many, one of its own makes room; where all have, one of the address that has most.
    """

    def __init__(self, limits: HttpLimits, is_free: Callable[[str], bool], lines: RefusalLines) -> None:
        self._limits = limits
        self._most = connections_at_most(limits.connections)
        self._is_free, self._lines = is_free, lines
        self._addresses: dict[str, _Address] = {}
        self._count = self._unread = 0

    def add(self, host: str, connection: Closable) -> str:
        """Count a connection, which waits for a request; its address. Where no other waits, it is closed itself."""
        name = counted_address(host)
        own = self._addresses.setdefault(name, _Address(name, self._is_free(host)))
        own.count += 1
        self._count += 1
        giving: _Address | None = None
        if own.count > self._limits.connections_of_one and not own.is_free:
            giving = own
        elif self._count > self._most:
            others = (one for one in self._addresses.values() if one.waiting)
            giving = max(others, key=lambda one: one.count, default=own)
        own.waiting[connection] = None
        if giving:
            self._close_first(giving.waiting, "connections", name)
        return name

    def remove(self, address: str, connection: Closable) -> None:
        """Count a connection no more."""
        own = self._addresses[address]
        own.waiting.pop(connection, None)
        self.read(address, connection)
        own.count -= 1
        self._count -= 1
        if not own.count:
            del self._addresses[address]

    def wait(self, address: str, connection: Closable) -> None:
        """Note that it waits for a request."""
        self._addresses[address].waiting.setdefault(connection)

    def answer(self, address: str, connection: Closable) -> None:
        """Note that a request has arrived whole and is answered."""
        self._addresses[address].waiting.pop(connection, None)

    def leave_unread(self, address: str, connection: Closable) -> None:
        """Note that much of an answer waits for the client to read it, and close another where there are too many."""
        own = self._addresses[address]
        if connection in own.unread:
            return
        own.unread[connection] = None
        self._unread += 1
        if len(own.unread) > self._limits.unread_answers_of_one and not own.is_free:
            self._close_unread(own)
        elif self._unread > self._limits.unread_answers:
            self._close_unread(max(self._addresses.values(), key=lambda one: len(one.unread)))

    def read(self, address: str, connection: Closable) -> None:
        """Note that the client has read, or that the connection is lost."""
        own = self._addresses[address]
        if connection in own.unread:
            del own.unread[connection]
            self._unread -= 1

    def _close_unread(self, giving: _Address) -> None:
        self._unread -= 1
        self._close_first(giving.unread, "unread_answers", giving.name)

    def _close_first(self, connections: dict[Closable, None], limit: str, address: str) -> None:
        longest = next(iter(connections))
        del connections[longest]
        longest.abort()
        self._lines.note(limit, f"address {address}")


def connections_at_most(wanted: int) -> int:
    """So many connections, or what the system lets the process open; a soft limit that is lower is raised.

    A process that can open no more files accepts nobody, neither who attacks it nor anyone else.
    """
    if sys.platform == "win32":
        return wanted
    import resource  # noqa: PLC0415  Windows does not have it

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + _OTHER_FILES
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return wanted
    soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(_LEAST, min(wanted, soft - _OTHER_FILES))
