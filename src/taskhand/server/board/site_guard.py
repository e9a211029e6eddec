"""Who is answered by the board's site at all: a browser on this machine, under the names of this machine alone.

A web page that has its own name lead to this machine is refused by the Host header, and one that calls from another
origin by the Origin header.
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
    "Referrer-Policy": "same-origin",  # without any, a browser leaves out the origin too
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


def guard_site(app: ASGIApp, port: int) -> ASGIApp:
    """The app, for requests to this machine and port alone; each answer says what a browser must not do with it."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        refusal = _find_refusal(scope["method"], Headers(scope=scope), port)
        await (refusal or app)(scope, receive, send_guarded)

    return guarded


def _find_refusal(method: str, headers: Headers, port: int) -> PlainTextResponse | None:
    """The answer to a request that does not come from a page of this site; None where it may."""
    hosts, origins, sites = (headers.getlist(name) for name in ("host", "origin", "sec-fetch-site"))
    if len(hosts) != 1 or hosts[0] not in {f"{name}:{port}" for name in _NAMES}:
        return PlainTextResponse("Invalid Host header", 421)
    is_own = all(origin == f"http://{hosts[0]}" for origin in origins)
    if method not in _READING:  # a browser says where every other request comes from
        is_own = is_own and bool(origins or sites) and all(site == "same-origin" for site in sites)
    return None if is_own else PlainTextResponse("Invalid Origin header", 403)
