"""Authentication by keys over HTTP: a caller without a valid key gets 401, and a stream ends with its key.

Every request is checked anew. The text of the key is removed from the request: inner code knows only its id.
"""

from collections.abc import Mapping
from typing import Any, Final

from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from pydantic import AnyHttpUrl
from starlette.applications import Starlette

from taskhand.domain.errors import OperatorError
from taskhand.keys.key_check import KeyCheck
from taskhand.server.transports.bearer_auth import LOOK_EVERY_S, surround_check

__all__ = ["ISSUER", "KeyAuth"]

ISSUER: Final = "taskhand:keys"
"""The issuer in the principal of a key's holder, beside the issuers of tokens."""

_NO_SERVER = AnyHttpUrl("https://taskhand.invalid")
"""A URL that the SDK requires: keys have no authorization server. Without a resource it is not published."""


class KeyAuth:
    """Authenticates by keys.

    `keys` is None if the configuration does not say where they are: then no caller is accepted. An open
    stream checks its key every `look_every_s` seconds.
    """

    def __init__(self, keys: KeyCheck | None, *, look_every_s: float = LOOK_EVERY_S) -> None:
        self._keys = keys
        self._look_every_s = look_every_s

    def options(self, _: str = "") -> dict[str, Any]:
        """The arguments of `Server.streamable_http_app`."""
        return {"auth": AuthSettings(issuer_url=_NO_SERVER, resource_server_url=None), "token_verifier": self}

    def add_to(self, app: Starlette) -> None:
        """Add the rest of the check to an app with these options, outside and inside of the SDK's check."""
        surround_check(app, "keys", self.is_active, self._look_every_s)

    def add_inside(self, _app: Starlette, _body_bytes: int, _served: object = None) -> None:
        """Add nothing: a caller with a valid key needs no further check."""

    async def describe(self) -> str:
        """How callers authenticate, as a text for the operator."""
        if self._keys is None:
            return "Callers are asked for a key, and none is accepted until the configuration is corrected."
        try:
            count = await self._keys.count_active()
        except OperatorError as error:
            return f"Callers are asked for a key, and none can be checked: {error.message} {error.next_step or ''}"
        if not count:
            return (
                "Callers are asked for a key, and there is none yet. "
                "Make one with `taskhand keys create --person ana@x.test --scopes read,write`."
            )
        return f"Callers are asked for a key. Active keys: {count}."

    async def check_readiness(self) -> Mapping[str, str]:
        """Whether the keys can be checked: "ok", or the code of the error."""
        if self._keys is None:
            return {"keys": "not_configured"}
        try:
            await self._keys.check_access()
        except OperatorError as error:
            return {"keys": error.code}
        return {"keys": "ok"}

    async def run(self) -> None:
        """Store when keys were last used, until cancelled."""
        if self._keys is not None:
            await self._keys.record_uses()

    async def verify_token(self, token: str) -> AccessToken | None:
        """The SDK's record of the caller, with the id of the key in place of its text.

        The text must not appear in reprs or logs. The record has no expiry: Taskhand checks the expiry by its
        own clock, and the SDK uses another.
        """
        if self._keys is None:
            raise OperatorError("The configuration does not name the store of keys.")
        key = await self._keys.find_holder(token)
        if key is None:
            return None
        claims = {"iss": ISSUER}
        return AccessToken(token=key.id, client_id=key.id, scopes=sorted(key.scopes), subject=key.person, claims=claims)

    async def is_active(self, token: AccessToken, _: str) -> bool:
        """Whether a key that was accepted before is still active. OperatorError if this cannot be checked."""
        return self._keys is not None and await self._keys.is_active(token.client_id)
