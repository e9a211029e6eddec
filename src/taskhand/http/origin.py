"""Which hosts may receive requests: pure rules about base URLs, redirects and proxies.

The key belongs to one origin (RFC 6454: scheme, host and port) and is sent to no other.
"""

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from ipaddress import ip_address, ip_network
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urljoin, urlsplit

from taskhand.domain.errors import OperatorError, UpstreamError

__all__ = ["Origin", "base_origin", "check_redirect", "choose_proxy", "is_exempt", "is_loopback"]

_PORTS: Final = {"http": 80, "https": 443}
_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_LOCATION: Final = re.compile(r"[!-\[\]-~]{1,2048}")  # visible ASCII without the backslash, on which parsers disagree


class Origin(NamedTuple):
    """Scheme, host and port, all given and in lower case."""

    scheme: str
    host: str
    port: int


def base_origin(base_url: str, *, variable: str, allow_http: bool = False) -> Origin:
    """The origin of a base URL; OperatorError, which names the `variable`, where the key may not be sent there."""
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
    """The origin of a URL, None where it is not http or https; ValueError for an invalid port."""
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


def choose_proxy(origin: Origin, proxies: Mapping[str, str], *, bypassed: bool) -> str | None:
    """The proxy URL from the environment's `{scheme: address}`; this machine itself is never proxied.

    Plain http through a proxy would show it the key, and a sandbox on loopback cannot be reached from elsewhere.
    """
    if bypassed or is_loopback(origin.host):
        return None
    proxy = proxies.get(origin.scheme) or proxies.get("all")
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


def is_exempt(origin: Origin, no_proxy: str) -> bool:
    """Whether NO_PROXY exempts the origin: by name with its subdomains, by a pattern, by address or network, by port.

    `example.com`, `.example.com` and `*.example.com` are the same, since programs disagree on them. Entries are
    separated by commas or blanks: https://everything.curl.dev/usingcurl/proxies/env.html
    """
    return any(_exempts(entry, origin) for entry in re.split(r"[\s,;]+", no_proxy.lower()) if entry)


def _exempts(entry: str, origin: Origin) -> bool:
    name = entry.strip("\"'").rpartition("://")[2].rstrip("/.")
    with_port = re.fullmatch(r"(\[.*\]|[^:]*):(\d+)", name)
    if with_port:
        name = with_port[1]
        if int(with_port[2]) != origin.port:
            return False
    name = name.strip("[]")
    try:
        return ip_address(origin.host) in ip_network(name, strict=False)
    except ValueError:  # one of them is a name, or they are of two versions
        name = name.removeprefix("*.").lstrip(".")
        return bool(name) and (
            origin.host == name or fnmatchcase(origin.host, name) or fnmatchcase(origin.host, f"*.{name}")
        )
