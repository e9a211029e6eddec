"""Authentication by tokens of trusted issuers over HTTP, as an OAuth 2.1 resource server (RFC 9728, RFC 6750).

Every request is checked anew. The text of the token is removed from the request: inner code knows only its holder.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import anyio
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from taskhand.domain.errors import OperatorError
from taskhand.keys.key import read_key_id
from taskhand.server.access import ServerContext
from taskhand.server.needed_scopes import ScopeNeeds
from taskhand.server.transports.bearer_auth import LOOK_EVERY_S, surround_check
from taskhand.server.transports.key_auth import KeyAuth
from taskhand.server.transports.scope_challenge import Challenge, ScopeChallenge
from taskhand.tokens.token_check import TokenCheck

__all__ = ["OAuth"]

_NO_SERVER: Final = AnyHttpUrl("https://taskhand.invalid")
"""A URL that the SDK requires if the configuration names no issuer."""
_WELL_KNOWN: Final = "/.well-known/oauth-protected-resource"
_CLOSING_S: Final = 0.3


class OAuth:
    """Authenticates by tokens. `check` is None if the configuration names no issuer: then no caller is accepted.

    `resource` is the server's URL for its callers; None: the URL that is served. `keys` also accepts holders of keys.
    `close` releases what `check` has opened. An open stream checks its token every `look_every_s` seconds.
    """

    def __init__(
        self,
        check: TokenCheck | None,
        resource: str | None = None,
        *,
        keys: KeyAuth | None = None,
        close: Callable[[], Awaitable[None]] | None = None,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._check = check
        self._resource = resource or ""
        self._keys = keys
        self._close = close
        self._look_every_s = look_every_s

    def options(self, url: str) -> dict[str, Any]:
        """The arguments of `Server.streamable_http_app` for a server at this address."""
        if self._check is None:
            settings = AuthSettings(issuer_url=_NO_SERVER, resource_server_url=None)
            return {"auth": settings, "token_verifier": self}
        self._resource = self._resource or url
        # The audience is checked with the rest of the token: the issuer may use another name for this server.
        settings = AuthSettings.model_validate(
            {
                "issuer_url": self._check.issuers[0],
                "resource_server_url": self._resource,
                "validate_token_resource": False,
            }
        )
        return {"auth": settings, "token_verifier": self}

    def add_to(self, app: Starlette) -> None:
        """Add the rest of the check to an app with these options, and publish the issuers of tokens."""
        surround_check(app, "tokens", self._is_active, self._look_every_s)
        if self._check is not None:
            paths = dict.fromkeys([urlsplit(self._metadata_url).path, f"{_WELL_KNOWN}/mcp", _WELL_KNOWN])
            app.router.routes[:0] = [Route(path, self._answer_metadata, methods=["GET", "OPTIONS"]) for path in paths]

    def add_inside(self, app: Starlette, body_bytes: int, served: ServerContext | None) -> None:
        """Add challenges: for a caller without a token, and for a token without the scope of its request."""
        if self._check is not None:
            challenge = Challenge(self._metadata_url, self._check.rules)
            needs = ScopeNeeds(served) if served else None
            inner = Middleware(ScopeChallenge, challenge=challenge, needs=needs, body_bytes=body_bytes)
            app.user_middleware.append(inner)

    async def describe(self) -> str:
        """How callers authenticate, as a text for the operator."""
        if self._check is None:
            return "Callers are asked for a token, and none is accepted until the configuration is corrected."
        description = f"Callers sign in at {' or '.join(self._check.issuers)}, for {self._resource}."
        return f"{description} {await self._keys.describe()}" if self._keys else description

    async def check_readiness(self) -> Mapping[str, str]:
        """Whether keys can be checked, if they are accepted; an issuer that cannot be reached does not count."""
        return await self._keys.check_readiness() if self._keys else {}

    async def run(self) -> None:
        """Refresh the issuers' keys and store when Taskhand keys were last used, until cancelled."""
        try:
            async with anyio.create_task_group() as group:
                if self._check is not None:
                    group.start_soon(self._check.run)
                if self._keys is not None:
                    group.start_soon(self._keys.run)
        finally:
            if self._close is not None:
                with anyio.move_on_after(_CLOSING_S, shield=True):
                    await self._close()

    async def verify_token(self, token: str) -> AccessToken | None:
        """The SDK's record of the caller: the holder, without the text of the token.

        The text must not appear in reprs or logs. The record has no expiry: Taskhand checks the expiry by its
        own clock, and the SDK uses another.
        """
        if self._keys is not None and read_key_id(token) is not None:
            return await self._keys.verify_token(token)
        if self._check is None:
            raise OperatorError("The configuration does not name an issuer of tokens.")
        holder = await self._check.find_holder(token, self._resource)
        if holder is None:
            return None
        return AccessToken(
            token="[token]",  # noqa: S106  in the place of one
            client_id=holder.client_id,
            scopes=sorted(holder.scopes),
            subject=holder.person,
            resource=self._resource,
            claims={"iss": holder.issuer, "email": holder.email, "groups": list(holder.groups)},
        )

    async def _is_active(self, token: AccessToken, text: str) -> bool:
        """Whether a token that was accepted before is still active."""
        if token.resource is None:
            return self._keys is not None and await self._keys.is_active(token, text)
        return await self.verify_token(text) is not None

    @property
    def _metadata_url(self) -> str:
        """The URL of this server's metadata, which names its issuers (RFC 9728 §3.1)."""
        parts = urlsplit(self._resource)
        return f"{parts.scheme}://{parts.netloc}{_WELL_KNOWN}{parts.path.rstrip('/')}"

    async def _answer_metadata(self, _: Request) -> Response:
        """The issuers of tokens for this server, and the initial scope alone: clients request every scope listed."""
        assert self._check is not None  # noqa: S101  else it is not routed
        body = {
            "resource": self._resource,
            "authorization_servers": list(self._check.issuers),
            "scopes_supported": [self._check.rules.full_scope("read")],
            "bearer_methods_supported": ["header"],
            "resource_name": "Taskhand",
        }
        headers = {
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Allow-Headers": "*",
            "Cache-Control": "public, max-age=3600",
        }
        return JSONResponse(body, headers=headers)
