"""The route to an upstream: direct, or through the proxy that the environment names."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit
from urllib.request import getproxies, getproxies_environment, proxy_bypass

from taskhand.http.origin import Origin, is_loopback

__all__ = ["ProxyRoute", "choose_proxy", "is_exempt", "proxy_route_for"]

_HOST = re.compile(r"[\w.-]+|[0-9a-f:.]+")
_USUAL_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class ProxyRoute:
    """The route to `origin`: `proxy` is the URL of the proxy, which may contain a password, or None.

    `is_exempt` is whether NO_PROXY exempts this origin from a proxy.
    """

    origin: Origin
    proxy: str | None = field(default=None, repr=False)
    is_exempt: bool = False

    def __str__(self) -> str:
        host = f"[{self.origin.host}]" if ":" in self.origin.host else self.origin.host
        port = "" if self.origin.port == _USUAL_PORTS[self.origin.scheme] else f":{self.origin.port}"
        return f"{self.origin.scheme}://{host}{port} {self._description}"

    @property
    def proxy_host(self) -> str:
        """The host and port of the proxy, without a password; empty without a proxy."""
        return urlsplit(self.proxy or "").netloc.rpartition("@")[2]

    def checked_proxy(self) -> str | None:
        """The URL of the proxy; ValueError if its host is invalid, as in a placeholder that was not replaced."""
        if self.proxy is not None and not _HOST.fullmatch(urlsplit(self.proxy).hostname or ""):
            raise ValueError("the proxy has no usable host")
        return self.proxy

    @property
    def _description(self) -> str:
        if self.proxy is not None:
            return f"through the proxy {self.proxy_host}"
        return "directly, as NO_PROXY says" if self.is_exempt else "directly"


def proxy_route_for(origin: Origin) -> ProxyRoute:
    """The route that the environment (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY) or the system prescribes."""
    environment = getproxies_environment()
    if environment:  # Python's own parser of NO_PROXY does not understand `*.host`, or a network
        proxies, is_bypassed = environment, is_exempt(origin, environment.get("no", ""))
    else:
        proxies, is_bypassed = getproxies(), bool(proxy_bypass(f"{origin.host}:{origin.port}"))
    proxy = choose_proxy(origin, proxies, bypassed=is_bypassed)
    others = choose_proxy(origin, proxies, bypassed=False)
    return ProxyRoute(origin, proxy, is_exempt=proxy is None and others is not None)


def choose_proxy(origin: Origin, proxies: Mapping[str, str], *, bypassed: bool) -> str | None:
    """The proxy URL from the environment's `{scheme: address}`; None for this machine, which is reached directly.

    Plain http would show the key to a proxy, and a sandbox on loopback cannot be reached from another machine.
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
    return any(_is_exempt(entry, origin) for entry in re.split(r"[\s,;]+", no_proxy.lower()) if entry)


def _is_exempt(entry: str, origin: Origin) -> bool:
    name = entry.strip("\"'").rpartition("://")[2].rstrip("/.")
    with_port = re.fullmatch(r"(\[.*\]|[^:]*):(\d+)", name)
    if with_port:
        name = with_port[1]
        if int(with_port[2]) != origin.port:
            return False
    name = name.strip("[]")
    try:
        return ip_address(origin.host) in ip_network(name, strict=False)
    except ValueError:  # one of them is a name, or their IP versions differ
        name = name.removeprefix("*.").lstrip(".")
        return bool(name) and (
            origin.host == name or fnmatchcase(origin.host, name) or fnmatchcase(origin.host, f"*.{name}")
        )
