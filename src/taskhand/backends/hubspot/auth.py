"""The credential of HubSpot, and its authorization server, through which people link credentials of their own.

Access tokens of private apps, service keys and OAuth tokens are sent alike. OAuth:
https://developers.hubspot.com/docs/api-reference/2026-03/authentication/manage-oauth-tokens. An access token lasts half
an hour, and a refresh returns the same refresh token. The authorization page takes all required scopes of the app in
`scope`, and the others in `optional_scope`. `code_verifier` is documented.
"""

from dataclasses import replace
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from taskhand.backends.hubspot.mapping import id_text
from taskhand.backends.remote.oauth_client import LIMITS, POLICY, OAuthEndpoints
from taskhand.backends.remote.parsing import JsonObject, filled_text
from taskhand.domain.errors import OperatorError, TaskhandError
from taskhand.http.client import Client
from taskhand.http.upstream import Runtime, Upstream
from taskhand.http.url_path import Path

__all__ = ["credential", "find_oauth_endpoints"]

_APIS: Final = frozenset({"api.hubapi.com", "api.hubspot.com"})
_PAGES: Final = "https://app.hubspot.com"
"""The host of the sign-in page; any other base URL, such as a sandbox's, serves the page itself."""
_REQUIRED: Final = ("oauth", "crm.objects.contacts.read", "crm.objects.contacts.write", "crm.objects.owners.read")
_OPTIONAL: Final = (
    "crm.objects.companies.read",
    "crm.objects.deals.read",
    "crm.objects.tickets.read",
    "crm.objects.custom.read",
    "crm.schemas.custom.read",
)


def credential(access_token: SecretStr | None) -> tuple[str, dict[str, str]]:
    """The variable that holds the credential, and the header that carries it; OperatorError without one."""
    if not access_token:
        raise OperatorError(
            "HubSpot is chosen and HUBSPOT_ACCESS_TOKEN is not set.",
            code="unauthorized",
            next_step="Set HUBSPOT_ACCESS_TOKEN, or TASKHAND_BACKEND to local.",
        )
    return "HUBSPOT_ACCESS_TOKEN", {"authorization": f"Bearer {access_token.get_secret_value()}"}


def find_oauth_endpoints(base_url: str, runtime: Runtime | None) -> OAuthEndpoints:
    """The authorization server of the HubSpot whose API is at `base_url`."""
    root = base_url.rstrip("/")
    return OAuthEndpoints(
        name="HubSpot",
        root=root,
        authorize=f"{_PAGES if urlsplit(root).hostname in _APIS else root}/oauth/authorize",
        token=Path.of("/oauth/2026-03/token"),
        revoke=Path.of("/oauth/2026-03/token/revoke"),
        introspect=Path.of("/oauth/2026-03/token/introspect"),
        asks={"scope": " ".join(_REQUIRED), "optional_scope": " ".join(_OPTIONAL)},
        find_member=partial(_find_owner, root, runtime),
    )


async def _find_owner(root: str, runtime: Runtime | None, body: JsonObject) -> str | None:
    """The id of the owner whose user has consented; None if the user is no owner or HubSpot cannot be asked."""
    if (user := id_text(body.get("user_id"))) is None:
        return None
    auth = {"authorization": f"Bearer {body.get('access_token')}"}
    upstream = Upstream(name="HubSpot", base_url=root, auth=auth, credential_name="the token")
    path = Path.of("/crm/v3/owners/{user}", user=user)
    try:
        async with Client(upstream, policy=POLICY, runtime=replace(runtime or Runtime(), limits=LIMITS)) as client:
            reply = await client.get(path, params={"idProperty": "userId"}, expect="object")
    except TaskhandError:
        return None
    return filled_text(reply.object.get("id"))
