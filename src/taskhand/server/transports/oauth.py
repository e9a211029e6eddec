"""Ask callers over HTTP for a token of a trusted issuer, as an OAuth 2.1 resource server (RFC 9728, RFC 6750).

Every request is checked anew. Of the token's text nothing goes further than this: what is behind knows its holder.
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
from taskhand.server.access import Served
from taskhand.server.needed_scopes import ScopeNeeds
from taskhand.server.transports.bearer_auth import LOOK_EVERY_S, surround_check
from taskhand.server.transports.key_auth import KeyAuth
from taskhand.server.transports.scope_challenge import Challenge, ScopeChallenge
from taskhand.tokens.token_check import TokenCheck

__all__ = ["OAuth"]

_NO_SERVER: Final = AnyHttpUrl("https://taskhand.invalid")
"""What the SDK wants an address for, where the configuration names no issuer."""
_WELL_KNOWN: Final = "/.well-known/oauth-protected-resource"
_CLOSING_S: Final = 0.3


class OAuth:
    """Asks for tokens. `check` is None where the configuration does not tell whom to trust: then nobody is let in.

    `resource` is the address that callers use; None: the one that is served. `keys` let holders of keys in too.
    `close` ends what the check has opened. An open stream looks at its token every `look_every_s` seconds.
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
        # The audience is checked with the rest of the token: it may also be another name that the issuer has for us.
        settings = AuthSettings.model_validate(
            {
                "issuer_url": self._check.issuers[0],
                "resource_server_url": self._resource,
                "validate_token_resource": False,
            }
        )
        return {"auth": settings, "token_verifier": self}

    def add_to(self, app: Starlette) -> None:
        """Put the rest of the check into an app that has these options, and publish whom callers can get tokens of."""
        surround_check(app, "tokens", self._is_active, self._look_every_s)
        if self._check is not None:
            paths = dict.fromkeys([urlsplit(self._metadata_url).path, f"{_WELL_KNOWN}/mcp", _WELL_KNOWN])
            app.router.routes[:0] = [Route(path, self._answer_metadata, methods=["GET", "OPTIONS"]) for path in paths]

    def add_inside(self, app: Starlette, body_bytes: int, served: Served | None) -> None:
        """Answer with a challenge where a caller has no token, or where its token lacks the scope of a request."""
        if self._check is not None:
            challenge = Challenge(self._metadata_url, self._check.rules)
            needs = ScopeNeeds(served) if served else None
            inner = Middleware(ScopeChallenge, challenge=challenge, needs=needs, body_bytes=body_bytes)
            app.user_middleware.append(inner)

    async def describe(self) -> str:
        """How callers are asked, for whoever starts the server."""
        if self._check is None:
            return "Callers are asked for a token, and none is accepted until the configuration is corrected."
        said = f"Callers sign in at {' or '.join(self._check.issuers)}, for {self._resource}."
        return f"{said} {await self._keys.describe()}" if self._keys else said

    async def check_readiness(self) -> Mapping[str, str]:
        """Whether the keys of callers can be checked, where these are asked for too; an issuer may be away."""
        return await self._keys.check_readiness() if self._keys else {}

    async def run(self) -> None:
        """Keep the issuers' keys fresh, and write down when keys of callers were used, until cancelled."""
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
        """What the SDK knows of the caller: the holder, and nothing of the text, which no repr or log may show.

        It says nothing of when the token expires: that is checked by our clock, and the SDK has another.
        """
        if self._keys is not None and read_key_id(token) is not None:
            return await self._keys.verify_token(token)
        if self._check is None:
            raise OperatorError("The configuration does not tell whose tokens are accepted.")
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
        """Whether a token that was checked before still lets its holder in."""
        if token.resource is None:
            return self._keys is not None and await self._keys.is_active(token, text)
        return await self.verify_token(text) is not None

    @property
    def _metadata_url(self) -> str:
        """Where callers find whom they can get tokens of (RFC 9728 §3.1)."""
        parts = urlsplit(self._resource)
        return f"{parts.scheme}://{parts.netloc}{_WELL_KNOWN}{parts.path.rstrip('/')}"

    async def _answer_metadata(self, _: Request) -> Response:
        """Who issues tokens for this server, and the scope to begin with: clients ask for all that is there."""
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
