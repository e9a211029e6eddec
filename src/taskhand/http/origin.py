"""Which hosts may receive requests: pure rules about base URLs and redirects.

The key belongs to one origin (RFC 6454: scheme, host and port) and is sent to no other.
"""

import re
from ipaddress import ip_address
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urljoin, urlsplit

from taskhand.domain.errors import OperatorError, UpstreamError

__all__ = ["Origin", "base_origin", "check_redirect", "is_loopback"]

_PORTS: Final = {"http": 80, "https": 443}
_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_LOCATION: Final = re.compile(r"[!-\[\]-~]{1,2048}")  # visible ASCII without the backslash, on which parsers disagree


class Origin(NamedTuple):
    """Scheme, host and port, all given and in lower case."""

    scheme: str
    host: str
    port: int


def base_origin(base_url: str, *, variable: str, allow_http: bool = False) -> Origin:
    """The origin of a base URL; OperatorError, which names the `variable`, if the key may not be sent there."""
    try:
        parts = urlsplit(base_url)
        origin = _origin(parts)
    except ValueError:
        raise _unusable(variable, "is not a URL") from None
    if origin is None or not origin.host:
        raise _unusable(variable, "is not an http or https URL")
    if parts.username is not None or parts.query or parts.fragment:
        raise _unusable(variable, "must not carry a user name, a query or a fragment")
    if origin.scheme == "http" and not allow_http and not is_loopback(origin.host):
        raise _unusable(variable, "is plain http, which is accepted only for this machine itself")
    return origin


def _unusable(variable: str, why: str) -> OperatorError:
    return OperatorError(f"{variable} {why}.", next_step=f"Set {variable} to the https address of the CRM's API.")


def _origin(parts: SplitResult) -> Origin | None:
    """The origin of a URL, None if it is not http or https; ValueError for an invalid port."""
    if parts.scheme not in _PORTS:
        return None
    return Origin(parts.scheme, parts.hostname or "", parts.port or _PORTS[parts.scheme])


def is_loopback(host: str) -> bool:
    """127.0.0.0/8, ::1 and `localhost` (RFC 6761 §6.3)."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_redirect(url: str, location: str | None, *, name: str) -> str:
    """The URL of a redirect to the same origin; UpstreamError `upstream_redirect` for any other redirect."""
    parts = _target(url, location)
    if parts is None:
        raise _elsewhere(name, "an address that is not followed")
    if parts.username is None and _origin(parts) == _origin(urlsplit(url)):
        return parts._replace(fragment="").geturl()
    host = parts.hostname or ""
    raise _elsewhere(name, host if _HOST.fullmatch(host) else "another host")


def _target(url: str, location: str | None) -> SplitResult | None:
    if location is None or not _LOCATION.fullmatch(location):
        return None
    try:
        parts = urlsplit(urljoin(url, location))
        _origin(parts)
    except ValueError:
        return None
    return parts


def _elsewhere(name: str, where: str) -> UpstreamError:
    return UpstreamError(
        f"{name} redirected the request to {where}; it was not followed.",
        code="upstream_redirect",
        next_step="Ask whoever runs Taskhand to check the base URL.",
    )
