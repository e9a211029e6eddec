"""Close's authorization server: https://developer.close.com/api/overview/oauth-authentication.

Every refresh answers another refresh token and ends the one before. All apps have the same two scopes, which are not
asked for. PKCE is not documented, and is sent all the same.
"""

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from taskhand.backends.remote.oauth import AppClient, OAuthApp, open_app_client
from taskhand.backends.remote.parsing import JsonObject, filled_text
from taskhand.http.path import Path

if TYPE_CHECKING:
    from taskhand.backends.factory import OpenContext

__all__ = ["open_client"]

_API: Final = "api.close.com"
_PAGES: Final = "https://app.close.com"
"""Where people sign in; another base URL, such as a sandbox's, has the page itself."""


async def open_client(base_url: str, client_id: str, client_secret: str, context: "OpenContext") -> AppClient:
    """The client of the operator's app at the Close whose API is at `base_url`."""
    root = base_url.rstrip("/").removesuffix("/api/v1")
    app = OAuthApp(
        name="Close",
        client_id=client_id,
        client_secret=client_secret,
        authorize=f"{_PAGES if urlsplit(root).hostname == _API else root}/oauth2/authorize/",
        token=Path.of("/oauth2/token/"),
        revoke=Path.of("/oauth2/revoke/"),
        variables=("CLOSE_CLIENT_ID", "CLOSE_CLIENT_SECRET", "CLOSE_BASE_URL"),
    )
    return await open_app_client(app, root, context, _find_member)


async def _find_member(body: JsonObject) -> str | None:
    """The user who has consented."""
    return filled_text(body.get("user_id"))
