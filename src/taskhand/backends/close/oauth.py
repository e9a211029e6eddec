"""Close's authorization server: https://developer.close.com/api/overview/oauth-authentication.

Every refresh answers another refresh token and ends the one before. All apps have the same two scopes, which are not
asked for. PKCE is not documented, and is sent all the same.
"""

from typing import Final
from urllib.parse import urlsplit

from taskhand.backends.remote.oauth import AuthorizationServer
from taskhand.backends.remote.parsing import JsonObject, filled_text
from taskhand.http.path import Path

__all__ = ["find_server"]

_API: Final = "api.close.com"
_PAGES: Final = "https://app.close.com"
"""Where people sign in; another base URL, such as a sandbox's, has the page itself."""


def find_server(base_url: str) -> AuthorizationServer:
    """The authorization server of the Close whose API is at `base_url`."""
    root = base_url.rstrip("/").removesuffix("/api/v1")
    return AuthorizationServer(
        name="Close",
        root=root,
        authorize=f"{_PAGES if urlsplit(root).hostname == _API else root}/oauth2/authorize/",
        token=Path.of("/oauth2/token/"),
        revoke=Path.of("/oauth2/revoke/"),
        find_member=_find_member,
    )


async def _find_member(body: JsonObject) -> str | None:
    """The user who has consented."""
    return filled_text(body.get("user_id"))
