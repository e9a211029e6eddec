"""Limits on the requests, streams and sessions of each caller: an ASGI application inside authentication."""

from collections.abc import Awaitable, Callable
from typing import Final

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taskhand.domain.principal import Person
from taskhand.server.transports.caller_sessions import HeldSessions
from taskhand.server.transports.caller_usage import CallerLimits
from taskhand.server.transports.counted_request import CountedRequest, OverLimit
from taskhand.server.transports.first_header import first_header
from taskhand.server.transports.http_refusal_log import RefusalLines
from taskhand.server.transports.peer_address import peer_address

__all__ = ["LimitedCallers"]

_FREE: Final = frozenset({"/health", "/ready"})
"""Paths without limits: an orchestrator that is refused would restart a working server, and the answers are cheap."""
_SESSION: Final = b"mcp-session-id"
_REFUSED: Final = 400


class LimitedCallers:
    """`app` with the limits of each caller; Starlette's innermost middleware.

    A caller is the person of a credential, the client of a credential without a person, or the address if callers are
    not authenticated.
    """

    def __init__(self, app: ASGIApp, *, callers: CallerLimits, sessions: HeldSessions, lines: RefusalLines) -> None:
        self._app = app
        self._callers, self._sessions, self._lines = callers, sessions, lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it."""
        if scope["type"] != "http" or scope["path"] in _FREE:
            await self._app(scope, receive, send)
            return
        caller, session_id = _caller(scope), first_header(scope, _SESSION)
        is_stream = scope["method"] == "GET" or first_header(scope, b"mcp-method") == "subscriptions/listen"
        request = CountedRequest(receive, send, self._callers, caller, is_stream=is_stream)
        try:
            with request:
                if session_id is None:
                    await self._serve_without_session(scope, request, caller)
                else:
                    await self._serve_session(scope, request, caller, session_id)
        except OverLimit as over:
            self._lines.note(over.refusal.limit, caller)
            await over.refusal.answer()(scope, receive, send)

    async def _serve_without_session(self, scope: Scope, request: CountedRequest, caller: str) -> None:
        """Serve a request that may open a session."""
        opened: str | None = None

        async def watch(message: Message) -> None:
            nonlocal opened
            if message["type"] == "http.response.start" and message["status"] < _REFUSED:
                opened = first_header(message, _SESSION)
                if opened is not None:
                    await self._open(opened, caller, scope)
            await request.send(message)

        try:
            await self._app(scope, request.receive, watch)
        finally:
            if opened is not None:
                self._sessions.end(opened, caller)

    async def _serve_session(self, scope: Scope, request: CountedRequest, caller: str, session_id: str) -> None:
        """Serve a request of a session, and note the end of the session if the answer says so."""
        ending = {404} | ({200} if scope["method"] == "DELETE" else set())

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in ending:
                self._sessions.remove(session_id, caller)
            await request.send(message)

        self._sessions.begin(session_id, caller)
        try:
            await self._app(scope, request.receive, watch)
        finally:
            self._sessions.end(session_id, caller)

    async def _open(self, session_id: str, caller: str, scope: Scope) -> None:
        """Note that this request has opened a session, and end the sessions over the limit."""
        self._sessions.begin_new(session_id, caller, self._closing(scope, session_id))
        while session := self._sessions.take_over_limit(caller):
            self._lines.note("sessions", session.caller)
            await session.close()

    def _closing(self, scope: Scope, session_id: str) -> Callable[[], Awaitable[None]]:
        """A function that ends a session with the request that its own client would send."""
        headers = [pair for pair in scope["headers"] if pair[0] == b"host"]
        request = dict(scope) | {"method": "DELETE", "headers": [*headers, (_SESSION, session_id.encode("latin-1"))]}

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(_: Message) -> None:
            pass

        async def close() -> None:
            await self._app(request, receive, send)

        return close


def _caller(scope: Scope) -> str:
    user = scope.get("user")
    if not isinstance(user, AuthenticatedUser):
        return f"address {peer_address(scope)}"
    token = user.access_token
    return f"person {Person.parse(token.subject).id}" if token.subject else f"client {token.client_id}"
