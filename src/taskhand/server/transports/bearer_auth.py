"""What stands around and behind the check of a credential, whichever it is: a key or a token."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

import anyio
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser, RequireAuthMiddleware
from mcp.server.auth.provider import AccessToken
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taskhand.domain.errors import OperatorError

if TYPE_CHECKING:
    from taskhand.server.access import Served

__all__ = ["LOOK_EVERY_S", "Authentication", "surround_check"]

_log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 2.0
"""Seconds after which an open stream looks at its credential again."""
_LISTEN = (b"mcp-method", b"subscriptions/listen")
"""The header of a request that is a stream; the SDK refuses one whose header is not that of its body."""

_IsActive = Callable[[AccessToken, str], Awaitable[bool]]
"""Whether a credential, known by what the check said of it and by its text, still lets its holder in."""


class Authentication(Protocol):
    """Asks callers over HTTP who they are."""

    def options(self, url: str) -> dict[str, Any]:
        """The arguments of `Server.streamable_http_app` for a server at this address."""

    def add_to(self, app: Starlette) -> None:
        """Put the check into an app that has these options, before whatever else is inside it."""

    def add_inside(self, app: Starlette, body_bytes: int, served: "Served | None") -> None:
        """Put what is asked once the caller is known into the app, inside everything else.

        `body_bytes` is the size of the largest request that is accepted. `served` is what the app serves, None where
        it cannot serve anything yet.
        """

    async def describe(self) -> str:
        """How callers are asked, for whoever starts the server."""

    async def check_readiness(self) -> Mapping[str, str]:
        """The states of what callers are asked by: "ok", or what is wrong."""

    async def run(self) -> None:
        """Do what is to be done beside the calls, until cancelled."""


def surround_check(app: Starlette, what: str, is_active: _IsActive, every_s: float) -> None:
    """Put the rest of a check into an app that has one: around it, and behind it.

    `what` are the credentials, in the plural. Every `every_s` seconds an open stream looks whether its own is active.
    """
    app.user_middleware.insert(0, Middleware(_AtTheDoor, what=what))
    app.user_middleware.append(Middleware(_BehindTheDoor, is_active=is_active, every_s=every_s))


class _AtTheDoor:
    """Asks nobody who does not call MCP, and answers 503 where credentials cannot be checked."""

    def __init__(self, app: ASGIApp, what: str) -> None:
        self._app = app
        self._what = what
        self._logged: str | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope if _has_one_credential(scope) else _without_credential(scope), receive, send)
            if isinstance(scope.get("user"), AuthenticatedUser):
                self._logged = None
        except OperatorError as error:
            if self._logged != error.message:
                self._logged = error.message
                _log.error("%s cannot be checked: %s %s", self._what, error.message, error.next_step or "")
            said = f"{self._what.capitalize()} cannot be checked now; the log of the server says why."
            body = {"error": "temporarily_unavailable", "error_description": said}
            await JSONResponse(body, 503, {"Retry-After": "5"})(scope, receive, send)


class _BehindTheDoor:
    """Keeps the credential from what is behind, and ends a stream when it is not active any more; a call may finish."""

    def __init__(self, app: ASGIApp, is_active: _IsActive, every_s: float) -> None:
        self._app = app
        self._is_active = is_active
        self._every_s = every_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        user = scope.get("user")
        if not isinstance(user, AuthenticatedUser):
            await self._app(scope, receive, send)
        elif scope["method"] == "GET" or _LISTEN in scope["headers"]:
            await self._serve_stream(user.access_token, scope, receive, send)
        else:
            await self._app(_without_credential(scope), receive, send)

    async def _serve_stream(self, token: AccessToken, scope: Scope, receive: Receive, send: Send) -> None:
        last: Message = {"type": "nothing"}

        async def send_on(message: Message) -> None:
            nonlocal last
            last = message
            await send(message)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._cancel_with, token, _credential(scope), tasks.cancel_scope)
            await self._app(_without_credential(scope), receive, send_on)
            tasks.cancel_scope.cancel()
            return
        if last["type"] == "nothing":
            await RequireAuthMiddleware(self._app, [])(dict(scope) | {"user": None}, receive, send)
        elif last["type"] == "http.response.start" or last.get("more_body", False):
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _cancel_with(self, token: AccessToken, text: str, stream: anyio.CancelScope) -> None:
        while await self._still(token, text):  # noqa: ASYNC110  another process revokes it
            await anyio.sleep(self._every_s)
        stream.cancel()

    async def _still(self, token: AccessToken, text: str) -> bool:
        """Whether a stream may stay open; not where that cannot be told."""
        try:
            return await self._is_active(token, text)
        except OperatorError:
            return False


def _has_one_credential(scope: Scope) -> bool:
    """Whether a request calls MCP, and with one credential at most: of two, who looks at which is not sure."""
    return scope.get("path") == "/mcp" and [name for name, _ in scope["headers"]].count(b"authorization") <= 1


def _credential(scope: Scope) -> str:
    """The text of the credential, as the SDK reads it."""
    return Headers(scope=scope).get("authorization", "")[len("Bearer ") :]


def _without_credential(scope: Scope) -> Scope:
    """The scope of a request without the header that has the credential."""
    if scope["type"] != "http":
        return scope
    return dict(scope) | {"headers": [pair for pair in scope["headers"] if pair[0] != b"authorization"]}
