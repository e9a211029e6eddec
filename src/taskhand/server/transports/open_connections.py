"""The HTTP connections that are open, and which of them makes room for another."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from taskhand.server.transports.http_limits import HttpLimits
from taskhand.server.transports.peer_address import counted_address
from taskhand.server.transports.refusal_lines import RefusalLines

__all__ = ["Closable", "OpenConnections", "connections_at_most"]

_OTHER_FILES: Final = 128
"""Files that the process opens besides: stores, journals, connections to CRMs."""
_LEAST: Final = 16


class Closable(Protocol):
    """A connection that can be closed at once."""

    def abort(self) -> None:
        """Close it, whatever is under way."""
        ...


@dataclass(slots=True)
class _Address:
    """The connections of one address: how many, and those that wait for a request, the one first that waits longest."""

    count: int = 0
    waiting: dict[Closable, None] = field(default_factory=dict)


class OpenConnections:
    """Counts connections by address. `is_free` says which hosts have no limit of their own."""

    def __init__(self, limits: HttpLimits, is_free: Callable[[str], bool], lines: RefusalLines) -> None:
        self._most = connections_at_most(limits.connections)
        self._most_of_one = limits.connections_of_one
        self._is_free, self._lines = is_free, lines
        self._addresses: dict[str, _Address] = {}
        self._count = 0

    def add(self, host: str, connection: Closable) -> str:
        """Count a connection, which waits for a request, and close another where there are too many; its address.

        The other is one that waits, of the same address, or of the one that has most. Where none waits, it is the new.
        """
        address = counted_address(host)
        self._count += 1
        own = self._addresses.setdefault(address, _Address())
        own.count += 1
        over_own = own.count > self._most_of_one and not self._is_free(host)
        if over_own or self._count > self._most:
            biggest = own if over_own else max(self._with_waiting(), key=lambda one: one.count, default=own)
            longest = next(iter(biggest.waiting), connection)
            biggest.waiting.pop(longest, None)
            longest.abort()
            self._lines.note("connections", f"address {address}")
            if longest is connection:
                return address
        own.waiting[connection] = None
        return address

    def remove(self, address: str, connection: Closable) -> None:
        """Count a connection no more."""
        own = self._addresses[address]
        own.waiting.pop(connection, None)
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

    def _with_waiting(self) -> list[_Address]:
        return [one for one in self._addresses.values() if one.waiting]


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
