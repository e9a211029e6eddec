"""A server over HTTP in this process that asks callers for the tokens of issuers, and callers with tokens."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import httpx2

from issuers import Issuer
from server.transports.keyed_server import NEWER, KeyCaller, asking_server
from taskhand.cli.token_issuers import open_token_check
from taskhand.config.settings import Settings
from taskhand.keys.key_check import KeyCheck
from taskhand.keys.sqlite import SqliteKeyStore
from taskhand.server.access import EVERYONE, Access
from taskhand.server.transports.key_auth import KeyAuth
from taskhand.server.transports.token_auth import OAuth
from taskhand.service.app_context import AppContext

if TYPE_CHECKING:
    from taskhand.backends.local.backend import LocalBackend

__all__ = ["OAuthServer", "oauth_server"]

NO_SETTINGS: Mapping[str, str] = {}


@dataclass
class OAuthServer:
    """A running server, and the issuers that it trusts."""

    app: AppContext
    http: httpx2.AsyncClient
    issuers: Sequence[Issuer]
    said: list[str]

    @property
    def resource(self) -> str:
        """The address that tokens are for."""
        return f"{self.http.base_url}/mcp"

    def token(self, *scopes: str, issuer: int = 0, **claims: Any) -> str:
        """A token of one of the issuers; without scopes, with all of them."""
        names = " ".join(f"tasks:{scope}" for scope in scopes or ("read", "write", "destructive"))
        return self.issuers[issuer].token(self.resource, **({"scope": names} | claims))

    async def caller(self, *scopes: str, era: str = NEWER, issuer: int = 0, **claims: Any) -> KeyCaller:
        """A caller with such a token."""
        return await KeyCaller(self.http, self.token(*scopes, issuer=issuer, **claims), era).open()

    async def add_member(self, name: str, email: str) -> None:
        """A member of the team."""
        store = cast("LocalBackend", self.app.backend)
        await store.edit(lambda directory: directory.add_member(name, email))


@asynccontextmanager
async def oauth_server(
    folder: Path,
    *issuers: Issuer,
    access: Access = EVERYONE,
    keeps_sessions: bool = True,
    keys: Path | None = None,
    resource: str | None = None,
    port: int = 0,
    crm: Mapping[str, str] = NO_SETTINGS,
    settings: Mapping[str, str] = NO_SETTINGS,
) -> AsyncIterator[OAuthServer]:
    """The server in this process; `settings` are its variables, and `keys` the file of keys that it takes too."""
    configured = Settings.from_env(settings)
    check, close = open_token_check(configured, [issuer.url for issuer in issuers])
    store = SqliteKeyStore(keys) if keys else None
    key_auth = KeyAuth(KeyCheck(store, lambda: datetime.now().astimezone())) if store else None
    auth = OAuth(check, resource, keys=key_auth, close=close, look_every_s=0.01)
    try:
        async with asking_server(folder, auth, keeps_sessions=keeps_sessions, access=access, port=port, crm=crm) as (
            app,
            http,
            said,
        ):
            yield OAuthServer(app, http, issuers, said)
    finally:
        if store:
            await store.aclose()
