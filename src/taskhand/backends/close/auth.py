"""Credentials of Close: an API key, or an OAuth access token, and the authorization server."""

from base64 import b64encode
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from taskhand.backends.remote.oauth_client import OAuthEndpoints
from taskhand.backends.remote.parsing import JsonObject, filled_text
from taskhand.domain.errors import OperatorError
from taskhand.http.url_path import Path

__all__ = ["credential", "find_oauth_endpoints"]

_API: Final = "api.close.com"
_PAGES: Final = "https://app.close.com"
"""The address of the sign-in page; another base URL, such as a sandbox's, has the page at its own root."""


def credential(api_key: SecretStr | None, access_token: SecretStr | None) -> tuple[str, dict[str, str]]:
    """The variable that holds the credential, and its header; OperatorError unless exactly one credential is set.

    A key is sent as a user name without a password:
    https://developer.close.com/api/overview/api-key-authentication.
    """
    if api_key and access_token:
        found = "CLOSE_API_KEY and CLOSE_ACCESS_TOKEN are both set and may belong to different people."
        raise OperatorError(found, code="unauthorized", next_step="Set one of them.")
    if api_key:
        encoded = b64encode(f"{api_key.get_secret_value()}:".encode()).decode()
        return "CLOSE_API_KEY", {"authorization": f"Basic {encoded}"}
    if access_token:
        return "CLOSE_ACCESS_TOKEN", {"authorization": f"Bearer {access_token.get_secret_value()}"}
    raise OperatorError(
        "The backend is Close, but neither CLOSE_API_KEY nor CLOSE_ACCESS_TOKEN is set.",
        code="unauthorized",
        next_step="Set CLOSE_API_KEY (Close shows it under Settings, Developer), or TASKHAND_BACKEND to local.",
    )


def find_oauth_endpoints(base_url: str) -> OAuthEndpoints:
    """The authorization server of the Close whose API is at `base_url`.

    Every refresh returns a new refresh token and invalidates the old one. All apps have the same two scopes, so none is
    requested. PKCE is sent although Close does not document it. Source:
    https://developer.close.com/api/overview/oauth-authentication.
    """
    root = base_url.rstrip("/").removesuffix("/api/v1")
    return OAuthEndpoints(
        name="Close",
        root=root,
        authorize=f"{_PAGES if urlsplit(root).hostname == _API else root}/oauth2/authorize/",
        token=Path.of("/oauth2/token/"),
        revoke=Path.of("/oauth2/revoke/"),
        find_member=_find_member,
    )


async def _find_member(body: JsonObject) -> str | None:
    """The id of the user in a token response; None if it has none."""
    return filled_text(body.get("user_id"))
