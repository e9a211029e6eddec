"""Refuses requests that are not from a browser on this machine under a name of this machine.

The check of the Host header refuses DNS rebinding, and the check of the Origin header refuses calls from other origins.
"""

from collections.abc import Mapping
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["guard_site"]

_NAMES: Final = ("127.0.0.1", "localhost")
_READING: Final = frozenset({"GET", "HEAD"})
_HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # without a referrer policy, a browser also omits the origin
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


def guard_site(app: ASGIApp, port: int) -> ASGIApp:
    """The app, for requests to this machine and port alone, with security headers in each answer."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        refusal = _find_refusal(scope["method"], Headers(scope=scope), port)
        await (refusal or app)(scope, receive, send_guarded)

    return guarded


def _find_refusal(method: str, headers: Headers, port: int) -> PlainTextResponse | None:
    """The refusal of a request that does not come from a page of this site; None if it may pass."""
    hosts, origins, sites = (headers.getlist(name) for name in ("host", "origin", "sec-fetch-site"))
    if len(hosts) != 1 or hosts[0] not in {f"{name}:{port}" for name in _NAMES}:
        return PlainTextResponse("Invalid Host header", 421)
    is_own = all(origin == f"http://{hosts[0]}" for origin in origins)
    if method not in _READING:  # a browser sends the origin of every other request
        is_own = is_own and bool(origins or sites) and all(site == "same-origin" for site in sites)
    return None if is_own else PlainTextResponse("Invalid Origin header", 403)
