"""The origin of a base URL, and the base URLs to which a credential may be sent; pure.

A credential belongs to one origin (RFC 6454: scheme, host and port) and is sent to that origin only.
"""

from ipaddress import ip_address
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

from taskhand.domain.errors import OperatorError

__all__ = ["Origin", "base_origin", "is_loopback", "origin_of"]

_PORTS: Final = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """Scheme, host and port, all given and in lower case."""

    scheme: str
    host: str
    port: int


def base_origin(base_url: str, *, variable: str) -> Origin:
    """The origin of a base URL; OperatorError, which names the `variable`, if the key may not be sent there."""
    try:
        parts = urlsplit(base_url)
        origin = origin_of(parts)
    except ValueError:
        raise _unusable(variable, "is not a URL") from None
    if origin is None or not origin.host:
        raise _unusable(variable, "is not an http or https URL")
    if parts.username is not None or parts.query or parts.fragment:
        raise _unusable(variable, "must not carry a user name, a query or a fragment")
    if origin.scheme == "http" and not is_loopback(origin.host):
        raise _unusable(variable, "is plain http, which is accepted only for this machine itself")
    return origin


def _unusable(variable: str, why: str) -> OperatorError:
    return OperatorError(f"{variable} {why}.", next_step=f"Set {variable} to the https address of the CRM's API.")


def origin_of(parts: SplitResult) -> Origin | None:
    """The origin of a URL, None if it is not http or https; ValueError for an invalid port."""
    if parts.scheme not in _PORTS:
        return None
    return Origin(parts.scheme, parts.hostname or "", parts.port or _PORTS[parts.scheme])


def is_loopback(host: str) -> bool:
    """Whether the host is this machine: 127.0.0.0/8, ::1 or `localhost` (RFC 6761 §6.3)."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
