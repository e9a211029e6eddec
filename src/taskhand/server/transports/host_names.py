"""The address on which HTTP is served, and the host names that requests may have."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass

from mcp.server.transport_security import TransportSecuritySettings

from taskhand.domain.errors import OperatorError

__all__ = ["Address", "host_in_url", "host_name", "is_malformed_port"]

_ON_THIS_MACHINE = ("127.0.0.1", "localhost", "[::1]")

_NAME = re.compile(r"(?P<name>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?P<port>:[0-9]{1,5})?")
_PORT = re.compile(r"[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port to serve on; `names` are the accepted host names besides those of this machine.

    `is_insecure` is the operator's consent that every program that reaches the port may use the server.
    """

    host: str
    port: int
    names: Sequence[str] = ()
    is_insecure: bool = False

    @property
    def is_loopback(self) -> bool:
        """Whether only programs on this machine can reach it."""
        try:
            return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def is_local(self) -> bool:
        """Whether only programs on this machine should reach it: a name in `names` may be that of a proxy."""
        return self.is_loopback and not self.names

    def check_names(self) -> None:
        """OperatorError for a malformed name."""
        for name in self.names:
            if not _NAME.fullmatch(name.lower()):
                raise OperatorError(f"{name!r} is not the name of a host, with or without a port.", code="host_refused")

    def security(self) -> TransportSecuritySettings:
        """The accepted Host and Origin headers: a web page cannot reach the server by DNS rebinding.

        https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#security-warning
        """
        hosts, origins = [], []
        for name in (*(f"{name}:*" for name in _ON_THIS_MACHINE), *_ON_THIS_MACHINE, *self._configured_names()):
            hosts.append(name)
            origins += [f"http://{name}", f"https://{name}"]
        return TransportSecuritySettings(allowed_hosts=hosts, allowed_origins=origins)

    def allows_host(self, host: str) -> bool:
        """Whether a Host header is accepted."""
        allowed = self.security().allowed_hosts
        name, _, port = host.lower().rpartition(":")
        return host.lower() in allowed or (port.isdigit() and f"{name}:*" in allowed)

    def _configured_names(self) -> Sequence[str]:
        """The names in the form of headers; a name without a port allows every port."""
        lowered = [name.lower() for name in self.names]
        return [*lowered, *(f"{name}:*" for name in lowered if not re.search(r":[0-9]+$", name))]


def host_in_url(host: str) -> str:
    """The host in the form of a URL: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def host_name(host: str) -> str | None:
    """The name in a Host header, or in an Origin without its scheme; None if it is no host name."""
    found = _NAME.fullmatch(host.lower())
    return found["name"] if found else None


def is_malformed_port(host: str) -> bool:
    """Whether the part after the name in a Host header, or in an Origin without its scheme, is no port (RFC 9110 §7.2).

    The SDK's `name:*` takes any text for a port, and so `localhost:evil.example` for this machine.
    """
    _, colon, port = host.rpartition("]")[2].partition(":")
    return bool(colon) and _PORT.fullmatch(port) is None
