"""The metadata of an issuer: its addresses (RFC 8414, OpenID Connect Discovery) and the fields used here; pure."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from taskhand.domain.errors import OperatorError

__all__ = ["IssuerMetadata", "check_issuer", "check_resource", "metadata_addresses", "read_metadata"]

_VISIBLE: Final = re.compile(r"[!\"$-\[\]-~]{1,500}")
"""Visible ASCII, except the backslash, on which URL parsers disagree, and `#`, which no such address has."""

_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")


@dataclass(frozen=True, slots=True)
class IssuerMetadata:
    """The issuer's addresses for keys, introspection and sign-in.

    `names_itself` is whether its responses to a browser always contain `iss` (RFC 9207).
    """

    keys: str
    introspection: str | None = None
    authorization: str | None = None
    token: str | None = None
    names_itself: bool = False


def check_issuer(address: str) -> None:
    """Check the issuer's address; OperatorError unless it is https, or http on this machine."""
    _check_address(address, "The issuer", "https://login.example.com")


def check_resource(address: str) -> None:
    """Check the server's address for its callers; OperatorError unless it is https, or http on this machine."""
    _check_address(address, "The resource", "https://tasks.example.com/mcp")


def _check_address(address: str, called: str, example: str) -> None:
    if _split(address) is None:
        raise OperatorError(
            f"{called} {address[:100]!r} is not an https address (http is accepted on this machine only).",
            next_step=f"Write it like {example}, without a query.",
        )


def metadata_addresses(issuer: str) -> tuple[str, ...]:
    """The possible addresses of the metadata, in the order that MCP prescribes for clients."""
    parts = urlsplit(issuer)
    origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    inserted = (f"{origin}/.well-known/{name}{path}" for name in ("oauth-authorization-server", "openid-configuration"))
    return tuple(dict.fromkeys((*inserted, f"{origin}{path}/.well-known/openid-configuration")))


def read_metadata(issuer: str, document: Mapping[str, Any]) -> IssuerMetadata:
    """Read the fields used here; OperatorError if the metadata is of another issuer, or names no keys."""
    if document.get("issuer") != issuer:
        raise OperatorError(
            f"The metadata of the issuer {issuer} is that of another: {str(document.get('issuer'))[:100]!r}.",
            next_step="Write the issuer character for character as it calls itself, a slash at its end included.",
        )

    def address(name: str) -> str | None:
        given = document.get(name)
        return given if isinstance(given, str) and _may_name(issuer, given) else None

    if (keys := address("jwks_uri")) is None:
        raise OperatorError(
            f"The metadata of the issuer {issuer} has no allowed address of its keys (jwks_uri): "
            "it must use https and no private IP address."
        )
    return IssuerMetadata(
        keys,
        address("introspection_endpoint"),
        address("authorization_endpoint"),
        address("token_endpoint"),
        document.get("authorization_response_iss_parameter_supported") is True,
    )


def _may_name(issuer: str, address: str) -> bool:
    """Whether an issuer may name an address to this server: an https issuer only https, and no private IP address.

    Its metadata could otherwise choose an address inside this machine's network, such as a cloud's metadata service
    (SSRF). An issuer that is configured by a private address is inside the network already.
    """
    issuer_parts, parts = urlsplit(issuer), _split(address, query=True)
    if parts is None or (issuer_parts.scheme == "https" and parts.scheme != "https"):
        return False
    return _is_private(issuer_parts.hostname or "") or not _is_private(parts.hostname or "")


def _split(address: str, *, query: bool = False) -> SplitResult | None:
    """Split an address that may be requested; None for any other."""
    if not _VISIBLE.fullmatch(address):
        return None
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return None
    if host and _is_odd_number(host):
        return None
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host or ""))
    return parts if host and is_safe and parts.username is None and (query or not parts.query) else None


def _is_loopback(host: str) -> bool:
    address = _to_ip(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _is_private(host: str) -> bool:
    """Whether the host is an IP address that is not globally reachable, or a name of this machine."""
    address = _to_ip(host)
    is_local_name = host.rstrip(".") == "localhost" or host.rstrip(".").endswith(".localhost")
    return is_local_name or (address is not None and not address.is_global)


def _to_ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Parse the host as an IP address; an IPv4-mapped IPv6 address becomes the IPv4 address."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_odd_number(host: str) -> bool:
    """Whether a system may read the host as an IPv4 address in unusual notation: `127.1`, `0x7f000001`."""
    return _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]) is not None and _to_ip(host) is None
