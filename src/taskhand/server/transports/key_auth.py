"""Ask callers over HTTP for a key: who has none gets 401, and an open stream ends with its key.

Every request is checked anew. Of the key's text nothing goes further than this: what is behind knows its id.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

import anyio
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser, RequireAuthMiddleware
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taskhand.domain.errors import OperatorError
from taskhand.keys.key_check import KeyCheck

__all__ = ["ISSUER", "KeyAuth"]

_log = logging.getLogger(__name__)

ISSUER: Final = "taskhand:keys"
"""Who vouches for the holder of a key, beside the issuers of tokens."""

_LOOK_EVERY_S: Final = 2.0
"""Seconds after which an open stream looks at its key again."""
_NO_SERVER = AnyHttpUrl("https://taskhand.invalid")
"""What the SDK wants an address for: keys have no authorization server. Without a resource it is published nowhere."""
_LISTEN = (b"mcp-method", b"subscriptions/listen")
"""The header of a request that is a stream; the SDK refuses one whose header is not that of its body."""


class KeyAuth:
    """Asks for keys. `keys` is None where the configuration does not tell where they are: then nobody is let in.

    An open stream looks at its key every `look_every_s` seconds.
    """

    def __init__(self, keys: KeyCheck | None, *, look_every_s: float = _LOOK_EVERY_S) -> None:
        self._keys = keys
        self._look_every_s = look_every_s

    @property
    def options(self) -> dict[str, Any]:
        """The arguments of `Server.streamable_http_app`."""
        return {"auth": AuthSettings(issuer_url=_NO_SERVER, resource_server_url=None), "token_verifier": self}

    def add_to(self, app: Starlette) -> None:
        """Put the rest of the check into an app that has these options: around theirs, and behind it."""
        app.user_middleware.insert(0, Middleware(_AtTheDoor))
        app.user_middleware.append(Middleware(_BehindTheDoor, is_active=self._is_active, every_s=self._look_every_s))

    async def describe(self) -> str:
        """How callers are asked, for whoever starts the server."""
        if self._keys is None:
            return "Callers are asked for a key, and none is accepted until the configuration is corrected."
        try:
            count = await self._keys.count_active()
        except OperatorError as error:
            return f"Callers are asked for a key, and none can be checked: {error.message} {error.next_step or ''}"
        if not count:
            return (
                "Callers are asked for a key, and there is none yet. "
                "Make one: taskhand keys create --person ana@x.test --scopes read,write"
            )
        return f"Callers are asked for a key. Active keys: {count}."

    async def record_uses(self) -> None:
        """Write down when keys were last used, until cancelled."""
        if self._keys is not None:
            await self._keys.record_uses()

    async def verify_token(self, token: str) -> AccessToken | None:
        """What the SDK knows of the caller: the id in the place of the text, which no repr or log may show.

        It says nothing of when the key expires: that is checked by our clock, and the SDK has another.
        """
        if self._keys is None:
            raise OperatorError("The configuration does not tell where the keys are.")
        key = await self._keys.find_holder(token)
        if key is None:
            return None
        claims = {"iss": ISSUER}
        return AccessToken(token=key.id, client_id=key.id, scopes=sorted(key.scopes), subject=key.person, claims=claims)

    async def _is_active(self, key_id: str) -> bool:
        """Whether a stream may stay open; not where that cannot be told."""
        try:
            return self._keys is not None and await self._keys.is_active(key_id)
        except OperatorError:
            return False


class _AtTheDoor:
    """Asks nobody who does not call MCP, and answers 503 where keys cannot be checked."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._logged: str | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope if scope.get("path") == "/mcp" else _without_key(scope), receive, send)
        except OperatorError as error:
            if self._logged != error.message:
                self._logged = error.message
                _log.error("keys cannot be checked: %s %s", error.message, error.next_step or "")
            body = {
                "error": "temporarily_unavailable",
                "error_description": "Keys cannot be checked now; the log of the server says why.",
            }
            await JSONResponse(body, 503, {"Retry-After": "5"})(scope, receive, send)


class _BehindTheDoor:
    """Keeps the key from what is behind, and ends a stream whose key is revoked or expires; a call may finish."""

    def __init__(self, app: ASGIApp, is_active: Callable[[str], Awaitable[bool]], every_s: float) -> None:
        self._app = app
        self._is_active = is_active
        self._every_s = every_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        user = scope.get("user")
        if not isinstance(user, AuthenticatedUser):
            await self._app(scope, receive, send)
        elif scope["method"] == "GET" or _LISTEN in scope["headers"]:
            await self._serve_stream(user.access_token.client_id, _without_key(scope), receive, send)
        else:
            await self._app(_without_key(scope), receive, send)

    async def _serve_stream(self, key_id: str, scope: Scope, receive: Receive, send: Send) -> None:
        last: Message = {"type": "nothing"}

        async def send_on(message: Message) -> None:
            nonlocal last
            last = message
            await send(message)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._cancel_with_key, key_id, tasks.cancel_scope)
            await self._app(scope, receive, send_on)
            tasks.cancel_scope.cancel()
            return
        if last["type"] == "nothing":
            await RequireAuthMiddleware(self._app, [])(dict(scope) | {"user": None}, receive, send)
        elif last["type"] == "http.response.start" or last.get("more_body", False):
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _cancel_with_key(self, key_id: str, stream: anyio.CancelScope) -> None:
        while await self._is_active(key_id):  # noqa: ASYNC110  another process revokes it
            await anyio.sleep(self._every_s)
        stream.cancel()


def _without_key(scope: Scope) -> Scope:
    """The scope of a request without the header that has the key."""
    if scope["type"] != "http":
        return scope
    return dict(scope) | {"headers": [pair for pair in scope["headers"] if pair[0] != b"authorization"]}
