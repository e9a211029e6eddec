"""How the credential goes on a request: an access token of a private app, a service key and OAuth look the same."""

from collections.abc import Mapping

__all__ = ["auth_headers"]


def auth_headers(token: str) -> Mapping[str, str]:
    """The headers that carry an access token (https://developers.hubspot.com/docs/api-reference/crm-tasks-v3/guide)."""
    return {"authorization": f"Bearer {token}"}
