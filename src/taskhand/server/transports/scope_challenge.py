"""Challenges for callers without a token, and for tokens without the scope of a request."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taskhand.domain import principal
from taskhand.server.needed_scopes import ScopeNeeds
from taskhand.tokens.token_claims import TokenRules

__all__ = ["Challenge", "ScopeChallenge"]

_ORDER: Final[tuple[principal.Scope, ...]] = ("read", "write", "destructive")


@dataclass(frozen=True, slots=True)
class Challenge:
    """The content of a challenge: the URL of the server's metadata, and the names of scopes."""

    metadata_url: str
    rules: TokenRules

    def ask_for_token(self, *, had_token: bool) -> Response:
        """The answer to a caller without a valid token; the same for all of them."""
        description = "The token is not accepted." if had_token else "Sign in first."
        error = f'error="invalid_token", error_description="{description}", ' if had_token else ""
        return self._answer(401, "invalid_token", description, error, ["read"])

    def ask_for_scopes(self, held: Collection[str], needed: Collection[str]) -> Response:
        """The answer to a request that needs further scopes: those scopes, and the ones that the caller has."""
        missing = self._full_names([scope for scope in needed if scope not in held])
        description = f"This needs {missing}. Sign in again with it."
        error = f'error="insufficient_scope", error_description="{description}", '
        return self._answer(403, "insufficient_scope", description, error, {*held, *needed})

    def _answer(self, status: int, code: str, description: str, error: str, scopes: Collection[str]) -> Response:
        challenge = f'Bearer {error}scope="{self._full_names(scopes)}", resource_metadata="{self.metadata_url}"'
        headers = {"WWW-Authenticate": challenge, "Cache-Control": "no-store"}
        return JSONResponse({"error": code, "error_description": description}, status, headers)

    def _full_names(self, scopes: Collection[str]) -> str:
        return " ".join(self.rules.full_scope(scope) for scope in _ORDER if scope in scopes)


class ScopeChallenge:
    """`app` for callers whose token has the scopes of their requests; Starlette's innermost middleware.

    Inner code checks the scope of a call too, so a body that is not read here gains nothing. Keys are refused only
    there: a person cannot sign in for a better key.
    """

    def __init__(self, app: ASGIApp, challenge: Challenge, needs: ScopeNeeds | None, body_bytes: int) -> None:
        self._app = app
        self._challenge = challenge
        self._needs = needs
        self._body_bytes = body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or answer with a challenge."""
        user = scope.get("user")
        if scope["type"] != "http" or scope["path"] != "/mcp":
            await self._app(scope, receive, send)
        elif not isinstance(user, AuthenticatedUser):
            had_token = "authorization" in Headers(scope=scope)
            await self._challenge.ask_for_token(had_token=had_token)(scope, receive, send)
        elif self._needs is not None and scope["method"] == "POST" and _lacks_some(user.access_token):
            await self._check_scopes(self._needs, user.access_token, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _check_scopes(
        self, needs: ScopeNeeds, token: AccessToken, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Read the body, which names the called method in both eras, and pass it on."""
        messages = [await receive()]
        size = len(messages[-1].get("body", b""))
        while messages[-1].get("more_body", False) and size <= self._body_bytes:
            messages.append(await receive())
            size += len(messages[-1].get("body", b""))
        if size <= self._body_bytes:
            needed = await needs.find(token, b"".join(message.get("body", b"") for message in messages))
            if not needed <= {*token.scopes}:
                await self._challenge.ask_for_scopes(token.scopes, needed)(scope, receive, send)
                return
        waiting = iter(messages)

        async def receive_again() -> Message:
            return next(waiting, None) or await receive()

        await self._app(scope, receive_again, send)


def _lacks_some(token: AccessToken) -> bool:
    """Whether a token, not a key, lacks scopes that its holder could sign in for."""
    return token.resource is not None and bool(principal.SCOPES - {*token.scopes})
