"""How requests reach an upstream: directly, or through the proxy that the environment names."""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from urllib.request import getproxies, getproxies_environment, proxy_bypass

from taskhand.http.origin import Origin, choose_proxy, is_exempt, is_loopback

__all__ = ["ProxyRoute", "proxy_route_for"]

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
        return f"{self.origin.scheme}://{host}{port} {self._how}"

    @property
    def proxy_host(self) -> str:
        """The host and port of the proxy, without a password; empty without a proxy."""
        return urlsplit(self.proxy or "").netloc.rpartition("@")[2]

    def checked_proxy(self) -> str | None:
        """The URL of the proxy; ValueError where its host is none, as in a placeholder that was not replaced."""
        if self.proxy is not None and not _HOST.fullmatch(urlsplit(self.proxy).hostname or ""):
            raise ValueError("the proxy has no usable host")
        return self.proxy

    @property
    def _how(self) -> str:
        if self.proxy is not None:
            return f"through the proxy {self.proxy_host}"
        return "directly, as NO_PROXY says" if self.is_exempt else "directly"


def proxy_route_for(origin: Origin) -> ProxyRoute:
    """The route that the environment (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY) or the system prescribes."""
    environment = getproxies_environment()
    if environment:  # Python's own reading of NO_PROXY does not understand `*.host`, or a network
        proxies, is_bypassed = environment, is_exempt(origin, environment.get("no", ""))
    else:
        proxies, is_bypassed = getproxies(), bool(proxy_bypass(f"{origin.host}:{origin.port}"))
    proxy = choose_proxy(origin, proxies, bypassed=is_bypassed)
    others = choose_proxy(origin, proxies, bypassed=False)
    return ProxyRoute(origin, proxy, is_exempt=proxy is None and others is not None and not is_loopback(origin.host))
