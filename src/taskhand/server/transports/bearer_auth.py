"""Middleware around and behind the check of a credential, which is a key or a token."""

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
    from taskhand.server.access import ServerContext

__all__ = ["LOOK_EVERY_S", "Authentication", "surround_check"]

_log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 2.0
"""Seconds between two checks of the credential of an open stream."""
_LISTEN = (b"mcp-method", b"subscriptions/listen")
"""The header of a request that opens a stream; the SDK refuses a request whose header does not match its body."""

_IsActive = Callable[[AccessToken, str], Awaitable[bool]]
"""Whether a credential is still active: takes the result of its check and its text."""


class Authentication(Protocol):
    """Authenticates callers over HTTP."""

    def options(self, url: str) -> dict[str, Any]:
        """The arguments of `Server.streamable_http_app` for a server at this address."""

    def add_to(self, app: Starlette) -> None:
        """Add the check to an app with these options, outside all other middleware."""

    def add_inside(self, app: Starlette, body_bytes: int, served: "ServerContext | None") -> None:
        """Add the checks that need an authenticated caller to the app, as its innermost middleware.

        `body_bytes` is the maximum size of a request. `served` is what the app serves, None if it cannot serve yet.
        """

    async def describe(self) -> str:
        """How callers authenticate, as a text for the operator."""

    async def check_readiness(self) -> Mapping[str, str]:
        """The states of the services that authentication needs: "ok", or the code of the error."""

    async def run(self) -> None:
        """Run the background work until cancelled."""


def surround_check(app: Starlette, credentials: str, is_active: _IsActive, every_s: float) -> None:
    """Add the rest of a check to an app that has one: middleware outside of it and middleware inside of it.

    `credentials` is their plural noun for messages. An open stream checks its credential every `every_s` seconds.
    """
    app.user_middleware.insert(0, Middleware(_OuterMiddleware, credentials=credentials))
    app.user_middleware.append(Middleware(_InnerMiddleware, is_active=is_active, every_s=every_s))


class _OuterMiddleware:
    """Lets requests that do not call MCP pass without a check, and answers 503 if credentials cannot be checked."""

    def __init__(self, app: ASGIApp, credentials: str) -> None:
        self._app = app
        self._credentials = credentials
        self._logged: str | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope if _has_one_credential(scope) else _remove_credential(scope), receive, send)
            if isinstance(scope.get("user"), AuthenticatedUser):
                self._logged = None
        except OperatorError as error:
            if self._logged != error.message:
                self._logged = error.message
                _log.error("%s cannot be checked: %s %s", self._credentials, error.message, error.next_step or "")
            description = f"{self._credentials.capitalize()} cannot be checked now; the log of the server says why."
            body = {"error": "temporarily_unavailable", "error_description": description}
            await JSONResponse(body, 503, {"Retry-After": "5"})(scope, receive, send)


class _InnerMiddleware:
    """Removes the credential from the request, and ends a stream whose credential is not active; a call may finish."""

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
            await self._app(_remove_credential(scope), receive, send)

    async def _serve_stream(self, token: AccessToken, scope: Scope, receive: Receive, send: Send) -> None:
        last: Message = {"type": "nothing"}

        async def send_and_note(message: Message) -> None:
            nonlocal last
            last = message
            await send(message)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._cancel_if_inactive, token, _read_credential(scope), tasks.cancel_scope)
            await self._app(_remove_credential(scope), receive, send_and_note)
            tasks.cancel_scope.cancel()
            return
        if last["type"] == "nothing":
            await RequireAuthMiddleware(self._app, [])(dict(scope) | {"user": None}, receive, send)
        elif last["type"] == "http.response.start" or last.get("more_body", False):
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _cancel_if_inactive(self, token: AccessToken, text: str, stream: anyio.CancelScope) -> None:
        while await self._is_still_active(token, text):  # noqa: ASYNC110  another process revokes it
            await anyio.sleep(self._every_s)
        stream.cancel()

    async def _is_still_active(self, token: AccessToken, text: str) -> bool:
        """Whether the credential of a stream is active; False if it cannot be checked."""
        try:
            return await self._is_active(token, text)
        except OperatorError:
            return False


def _has_one_credential(scope: Scope) -> bool:
    """Whether a request calls MCP with at most one credential: of two, each reader might take another one."""
    return scope.get("path") == "/mcp" and [name for name, _ in scope["headers"]].count(b"authorization") <= 1


def _read_credential(scope: Scope) -> str:
    """The text of the credential, as the SDK reads it."""
    return Headers(scope=scope).get("authorization", "")[len("Bearer ") :]


def _remove_credential(scope: Scope) -> Scope:
    """The scope of a request without its Authorization header."""
    if scope["type"] != "http":
        return scope
    return dict(scope) | {"headers": [pair for pair in scope["headers"] if pair[0] != b"authorization"]}
