"""The open HTTP connections, and which one is closed for a new one."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from taskhand.server.transports.http_limits import HttpLimits
from taskhand.server.transports.http_refusal_log import RefusalLines
from taskhand.server.transports.peer_address import counted_address

__all__ = ["ACCEPTED_AT_ONCE", "Closable", "OpenConnections", "cap_connections"]

ACCEPTED_AT_ONCE: Final = 32
"""Connections that asyncio accepts in one turn of its loop: they are open before others can be closed for them."""
_OTHER_FILES: Final = 256 + 8 * ACCEPTED_AT_ONCE
"""Files that the process opens besides the counted connections: stores, journals, connections to CRMs."""
_MIN_CONNECTIONS: Final = 16


class Closable(Protocol):
    """A connection that can be closed at once."""

    def abort(self) -> None:
        """Close it, even during a request."""
        ...


@dataclass(slots=True)
class _Address:
    """The connections of one address, with those that wait, the longest wait first.

    `waiting` connections wait for a request, `unread` ones for the client to read. A free address has no limits.
    """

    name: str
    is_free: bool
    count: int = 0
    waiting: dict[Closable, None] = field(default_factory=dict)
    unread: dict[Closable, None] = field(default_factory=dict)


class OpenConnections:
    """Counts connections by address. `is_free` says which hosts have no limits of their own.

    Over the limit of an address, one of its own connections is closed; over the limit of all, one of the largest
    address.
    """

    def __init__(self, limits: HttpLimits, is_free: Callable[[str], bool], lines: RefusalLines) -> None:
        self._limits = limits
        self._max = cap_connections(limits.connections)
        self._is_free, self._lines = is_free, lines
        self._addresses: dict[str, _Address] = {}
        self._count = self._unread = 0

    def add(self, host: str, connection: Closable) -> str:
        """Count a connection that waits for a request, and return its address. It is closed if no other one waits."""
        name = counted_address(host)
        address_state = self._addresses.setdefault(name, _Address(name, self._is_free(host)))
        address_state.count += 1
        self._count += 1
        crowded: _Address | None = None
        if address_state.count > self._limits.connections_of_one and not address_state.is_free:
            crowded = address_state
        elif self._count > self._max:
            others = (address for address in self._addresses.values() if address.waiting)
            crowded = max(others, key=lambda address: address.count, default=address_state)
        address_state.waiting[connection] = None
        if crowded:
            self._close_first(crowded.waiting, "connections", name)
        return name

    def remove(self, address: str, connection: Closable) -> None:
        """Remove a closed connection."""
        address_state = self._addresses[address]
        address_state.waiting.pop(connection, None)
        self.read(address, connection)
        address_state.count -= 1
        self._count -= 1
        if not address_state.count:
            del self._addresses[address]

    def wait(self, address: str, connection: Closable) -> None:
        """Note that the connection waits for a request."""
        self._addresses[address].waiting.setdefault(connection)

    def answer(self, address: str, connection: Closable) -> None:
        """Note that a request has arrived whole and is answered."""
        self._addresses[address].waiting.pop(connection, None)

    def leave_unread(self, address: str, connection: Closable) -> None:
        """Note that the client must read before more is written, and close a connection if too many wait for that."""
        address_state = self._addresses[address]
        if connection in address_state.unread:
            return
        address_state.unread[connection] = None
        self._unread += 1
        if len(address_state.unread) > self._limits.unread_answers_of_one and not address_state.is_free:
            self._close_unread(address_state)
        elif self._unread > self._limits.unread_answers:
            self._close_unread(max(self._addresses.values(), key=lambda other_address: len(other_address.unread)))

    def read(self, address: str, connection: Closable) -> None:
        """Note that the client has read, or that the connection is closed."""
        address_state = self._addresses[address]
        if connection in address_state.unread:
            del address_state.unread[connection]
            self._unread -= 1

    def _close_unread(self, crowded: _Address) -> None:
        self._unread -= 1
        self._close_first(crowded.unread, "unread_answers", crowded.name)

    def _close_first(self, connections: dict[Closable, None], limit: str, address: str) -> None:
        longest = next(iter(connections))
        del connections[longest]
        longest.abort()
        self._lines.note(limit, f"address {address}")


def cap_connections(count: int) -> int:
    """The number of connections, or what the system lets the process open; raises a soft limit that is lower.

    A process that can open no more files accepts no connection at all.
    """
    if sys.platform == "win32":
        return count
    import resource  # noqa: PLC0415  Windows does not have it

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = count + _OTHER_FILES
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return count
    soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(_MIN_CONNECTIONS, min(count, soft - _OTHER_FILES))
