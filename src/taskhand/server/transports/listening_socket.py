"""The socket on which HTTP is served: its address, its queue of connections, and the probes of idle ones."""

import socket
from typing import Final

from taskhand.domain.errors import OperatorError
from taskhand.server.transports.host_names import host_in_url

__all__ = ["MAX_QUEUED", "bind"]

MAX_QUEUED: Final = 2_048
"""Maximum number of connections that the system queues until they are accepted."""
_KEEP_ALIVE: Final = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}
"""Seconds or a number; not every system has these options."""


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens on this address; port 0 is any free port. OperatorError for an address that is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    number = "127.0.0.1" if host == "localhost" else host  # the hosts file may name another
    try:
        bound = socket.create_server((number, port), family=family)
    except OSError as error:
        raise OperatorError(
            f"{host_in_url(host)}:{port} cannot be served: {error.strerror}.",
            code="address_refused",
            next_step="Choose another --port, or 0 for any free one.",
        ) from None
    # asyncio sets this only on sockets of protocol TCP, and create_server makes one of protocol 0: without it every
    # small answer waits some 40 ms for an acknowledgement.
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # A connection inherits these too. An idle one whose client has vanished ends after two minutes.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEP_ALIVE.items():
        if hasattr(socket, option):
            bound.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return bound
