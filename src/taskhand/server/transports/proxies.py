"""The proxies that the operator names, and the caller's address in their headers."""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any, Final

from starlette.types import ASGIApp, Receive, Scope, Send

from taskhand.domain.errors import OperatorError

__all__ = ["Proxies", "read_forwarded"]

_PAIR: Final = re.compile(r'\s*([a-zA-Z]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s";,]*))\s*')
"""A parameter of a Forwarded header (RFC 7239 §4)."""
_PORT: Final = re.compile(r":[0-9]{1,5}$")

_Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Proxies:
    """The networks of trusted proxies; forwarded headers from other addresses are ignored."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def parse(cls, texts: Iterable[str]) -> "Proxies":
        """Parse addresses and networks; OperatorError if one is malformed, or is a network of all addresses."""
        networks = []
        for text in texts:
            try:
                network = ipaddress.ip_network(text)
            except ValueError:
                raise OperatorError(
                    f"{text!r} is not the address of a proxy.",
                    code="proxy_refused",
                    next_step="Give --proxy an address such as 127.0.0.1 or a network such as 10.0.0.0/24.",
                ) from None
            if network.prefixlen == 0:
                raise OperatorError(f"{text} is every address: anyone could forward anything.", code="proxy_refused")
            networks.append(network)
        return cls(tuple(networks))

    def __contains__(self, host: str) -> bool:
        address = _address(host)
        return address is not None and any(address in network for network in self.networks)

    def caller(self, peer: str, chain: Sequence[str]) -> str:
        """The caller of the outermost named proxy: the last address in the chain that is not a named proxy.

        Each proxy appends the address of its caller, so the entries before the result are only claims. If an entry is
        no address, the result is the proxy that wrote it.
        """
        nearest = peer
        for entry in reversed(chain):
            address = _address(entry)
            if address is None:
                return nearest
            nearest = str(address)
            if nearest not in self:
                return nearest
        return nearest


def read_forwarded(app: ASGIApp, proxies: Proxies) -> ASGIApp:
    """`app` for which a request through a named proxy has the address, scheme and host name of its caller.

    Headers from other addresses are ignored. If X-Forwarded-For and Forwarded name different callers, one of them comes
    from the caller and not from the proxy: the request then counts as the proxy's own.
    """
    if not proxies.networks:
        return app

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        if scope["type"] == "http" and client and client[0] in proxies:
            scope = _forwarded_request(scope, client[0], proxies)
        await app(scope, receive, send)

    return answer


def _forwarded_request(scope: Scope, peer: str, proxies: Proxies) -> Scope:
    """The request as the proxy received it."""
    headers: _Headers = scope["headers"]
    standard = [_parameters(element) for element in _values(headers, b"forwarded")]
    nearest = standard[-1] if standard else {}
    chains = [_values(headers, b"x-forwarded-for"), [element.get("for", "") for element in standard]]
    callers = {proxies.caller(peer, chain) for chain in chains if chain}
    scheme = (_values(headers, b"x-forwarded-proto") or [nearest.get("proto", "")])[-1].lower()
    host = (_values(headers, b"x-forwarded-host") or [nearest.get("host", "")])[-1]
    changed: dict[str, Any] = {"client": (callers.pop() if len(callers) == 1 else peer, 0)}
    if scheme in {"http", "https"}:
        changed["scheme"] = scheme
    if host:
        changed["headers"] = [*(pair for pair in headers if pair[0] != b"host"), (b"host", host.encode("latin-1"))]
    return dict(scope) | changed


def _values(headers: _Headers, name: bytes) -> list[str]:
    """The values of a list header, first to last.

    A comma between quotes separates too: quotes that a caller left open must not hide what a proxy appends.
    """
    text = ",".join(value.decode("latin-1") for key, value in headers if key == name)
    return [part.strip() for part in text.split(",")] if text else []


def _parameters(element: str) -> dict[str, str]:
    """The parameters of one element of a Forwarded header; empty if any is malformed."""
    parameters: dict[str, str] = {}
    at = 0
    while pair := _PAIR.match(element, at):
        name, quoted, token = pair.groups()
        parameters[name.lower()] = quoted if quoted is not None else token
        at = pair.end()
        if at == len(element):
            return parameters
        if element[at] != ";":
            break
        at += 1
    return {}


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """The address in an entry, which may have a port; None for a name such as `unknown`."""
    host = text.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = _PORT.sub("", host)
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
