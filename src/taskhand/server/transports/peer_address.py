"""The address of a request's sender, in the form in which limits count it."""

import ipaddress
from functools import lru_cache
from typing import Final

from starlette.types import Scope

__all__ = ["counted_address", "peer_address"]

_ONE_NETWORK: Final = 64
"""Bits of the prefix of an IPv6 address that a provider gives to one subscriber, who owns all addresses in it."""


def peer_address(scope: Scope) -> str:
    """The address of a request: its connection's, or the one that a named proxy forwards."""
    client = scope.get("client")
    return counted_address(client[0]) if client else "unknown"


@lru_cache(4_096)
def counted_address(host: str) -> str:
    """An IPv4 address unchanged; the /64 network of an IPv6 address."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), _ONE_NETWORK), strict=False))
