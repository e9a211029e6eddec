"""Close's authorization server: https://developer.close.com/api/overview/oauth-authentication.

Documented: the paths, the parameters, the body with the tokens, an hour for an access token, a new refresh token with
every refresh and the end of the old one, and `error=access_denied`. Every app has the same two scopes
(https://developer.close.com/integrations/create-an-oauth-app, which also asks for a redirect by https). Undocumented,
and taken from the RFCs or the spec variant: PKCE, error bodies, the lifetime of a code, and the effect of a revocation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskhand.sandbox.close.spec_variant import SpecVariant
from taskhand.sandbox.oauth.authorization_server import AuthorizationServer, EndpointRequest, OAuthError
from taskhand.sandbox.oauth.grants import OAuthUser

if TYPE_CHECKING:
    from collections.abc import Callable

    from taskhand.sandbox.close.store import Store
    from taskhand.sandbox.messages import Response
    from taskhand.sandbox.oauth.grants import Grant

AUTHORIZE, TOKEN, REVOKE = "/oauth2/authorize", "/oauth2/token", "/oauth2/revoke"
OAUTH_ROUTES = (f"GET {AUTHORIZE}", f"POST {AUTHORIZE}", f"POST {TOKEN}", f"POST {REVOKE}")
SCOPES = ("all.full_access", "offline_access")


class CloseAuthorization(AuthorizationServer[SpecVariant]):
    """Close's authorization server; the body with the tokens contains `organization_id`."""

    title = "Close"
    organization_id = ""

    def build_endpoints(self) -> dict[str, Callable[[EndpointRequest], Response]]:
        """Return the endpoint of each route."""
        return dict(
            zip(OAUTH_ROUTES, (self.show_consent, self.take_consent, self.issue_token, self.revoke), strict=True)
        )

    def all_scopes(self) -> tuple[str, ...]:
        """Return the scopes of every app."""
        return SCOPES

    def allows_redirect(self, scheme: str, host: str) -> bool:  # noqa: ARG002  # any host
        """Whether the scheme is https."""
        return scheme == "https"

    def token_body(self, grant: Grant, access: str, refresh: str, life: int) -> dict[str, Any]:
        """Return the documented body."""
        return {
            "token_type": "Bearer",
            "access_token": access,
            "expires_in": life,
            "refresh_token": refresh,
            "scope": " ".join(grant.scopes),
            "organization_id": self.organization_id,
            "user_id": grant.user.id,
        }

    def error_body(self, error: OAuthError) -> dict[str, Any]:
        """Return the body of RFC 6749; Close documents none."""
        return {"error": error.code, "error_description": error.description}


def people_of(store: Store) -> list[OAuthUser]:
    """Return the users who can sign in: the present members."""
    return [OAuthUser(user.id, user.name, user.email) for user in store.users.values() if user.active]
