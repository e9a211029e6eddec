"""All limits on the HTTP requests of one server: size and wrong keys before authentication, each caller's after it."""

from collections.abc import Callable
from itertools import chain
from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taskhand.server.transports.caller_limit_middleware import LimitedCallers
from taskhand.server.transports.caller_sessions import HeldSessions
from taskhand.server.transports.caller_usage import CallerLimits
from taskhand.server.transports.first_header import first_header
from taskhand.server.transports.http_limits import HttpLimits
from taskhand.server.transports.http_refusal_log import RefusalLines
from taskhand.server.transports.limit_refusal import Refusal
from taskhand.server.transports.peer_address import peer_address

__all__ = ["RequestLimiter", "limit_requests"]

_MCP: Final = "/mcp"
_WRONG_KEY: Final = 401
_BODY_TOO_LARGE: Final = 413
_HEADERS_TOO_LARGE: Final = 431


class RequestLimiter:
    """Limits requests before authentication, and the usage of each caller after it."""

    def __init__(self, limits: HttpLimits, lines: RefusalLines, monotonic: Callable[[], float]) -> None:
        self._limits, self._lines = limits, lines
        self._callers = CallerLimits(limits, monotonic)
        self._sessions = HeldSessions(limits, monotonic)

    @property
    def max_sessions(self) -> int:
        """The SDK's maximum number of sessions: sessions over our own limit are ended right after they were opened."""
        return self._limits.sessions + self._limits.open_requests

    def count_sessions(self) -> int:
        """How many sessions are held."""
        return self._sessions.count

    def limit_callers(self, app: Starlette) -> None:
        """Add the limits of each caller to `app`, inside its authentication, before it serves."""
        inner = Middleware(LimitedCallers, callers=self._callers, sessions=self._sessions, lines=self._lines)
        app.user_middleware.append(inner)  # the last middleware is the innermost

    def limit_requests(self, app: ASGIApp) -> ASGIApp:
        """`app` with limits on the size of requests and on wrong keys, outside its authentication."""
        return limit_requests(app, self._limits, self._callers, self._lines)


def limit_requests(app: ASGIApp, limits: HttpLimits, callers: CallerLimits, lines: RefusalLines) -> ASGIApp:
    """`app` with limits on the size of requests, and with 429 in place of its 401 after too many wrong keys."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        is_replaced = False

        async def refuse(refusal: Refusal) -> None:
            nonlocal is_replaced
            is_replaced = True
            lines.note(refusal.limit, f"address {peer_address(scope)}")
            await refusal.answer()(scope, receive, send)

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start" and (found := _refusal_in_place(message["status"], scope)):
                await refuse(found)
            elif not is_replaced:
                await send(message)

        def _refusal_in_place(status: int, scope: Scope) -> Refusal | None:
            """The refusal that replaces an answer with this status."""
            if status == _BODY_TOO_LARGE and scope["path"] == _MCP:
                return _body_too_large(limits)
            has_key = status == _WRONG_KEY and first_header(scope, b"authorization") is not None
            return callers.refuse_key(peer_address(scope)) if has_key else None

        if refusal := _too_large(scope, limits):
            await refuse(refusal)
        else:
            await app(scope, receive, watch)

    return answer


def _too_large(scope: Scope, limits: HttpLimits) -> Refusal | None:
    """The refusal of a request that is too large by its headers, before its body is read."""
    headers = scope["headers"]
    if len(headers) > limits.headers:
        return Refusal(_HEADERS_TOO_LARGE, "headers", f"A request has at most {limits.headers} headers.")
    address = len(scope["raw_path"]) + len(scope["query_string"])
    if address + sum(map(len, chain.from_iterable(headers))) > limits.header_bytes:
        message = f"The headers of a request have at most {limits.header_bytes} bytes."
        return Refusal(_HEADERS_TOO_LARGE, "header_bytes", message)
    declared = int(first_header(scope, b"content-length") or 0)  # h11 has checked that it is a number
    return _body_too_large(limits) if declared > limits.body_bytes else None


def _body_too_large(limits: HttpLimits) -> Refusal:
    message = (
        f"The body of a request has at most {limits.body_bytes} bytes. Send fewer tasks or shorter texts at a time."
    )
    return Refusal(_BODY_TOO_LARGE, "body_bytes", message)
