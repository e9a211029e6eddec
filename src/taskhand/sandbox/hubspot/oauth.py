"""HubSpot's authorization server: https://developers.hubspot.com/docs/api-reference/auth-oauth-v3/guide.

Documented: the paths, half an hour for an access token of up to 300 characters, the bodies (in
https://github.com/HubSpot/HubSpot-public-api-spec-collection under Auth), `code_verifier`, and that deleting a refresh
token leaves its access tokens valid. Since 2026, errors have the fields of RFC 6749 beside the old ones
(https://developers.hubspot.com/changelog/new-oauth-v3-api-endpoints-and-standardized-error-responses). Reported: the
statuses BAD_AUTH_CODE and BAD_REFRESH_TOKEN (the others are assumed), a refresh that returns the same refresh token,
and an uninstallation of the app that ends every token. The guides disagree on whether a person who declines is
redirected to the app.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.hubspot.errors import APP, PORTAL, ApiError
from taskhand.sandbox.hubspot.spec_variant import SpecVariant
from taskhand.sandbox.messages import Response
from taskhand.sandbox.oauth.authorization_server import (
    NO_STORE,
    AuthorizationServer,
    EndpointRequest,
    OAuthError,
    PageError,
)
from taskhand.sandbox.oauth.grants import OAuthUser

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable

    from taskhand.sandbox.hubspot.people import Owner
    from taskhand.sandbox.oauth.grants import Grant, Issued

AUTHORIZE = ("/oauth/authorize", "/oauth/{portalId}/authorize")
VERSIONS = ("v1", "v3")  # the paths of dated versions become v3
OAUTH_ROUTES = (
    *(f"{verb} {path}" for path in AUTHORIZE for verb in ("GET", "POST")),
    *(f"POST /oauth/{version}/token" for version in VERSIONS),
    "POST /oauth/v3/token/introspect",
    "POST /oauth/v3/token/revoke",
    "GET /oauth/v1/access-tokens/{token}",
    "GET /oauth/v1/refresh-tokens/{token}",
    "DELETE /oauth/v1/refresh-tokens/{token}",
)
STATUSES = {"code": "BAD_AUTH_CODE", "refresh_token": "BAD_REFRESH_TOKEN"}


class HubSpotAuthorization(AuthorizationServer[SpecVariant]):
    """HubSpot's authorization server; `scopes` are those that the account can grant."""

    title = "HubSpot"
    access_bytes = 225  # 300 characters, the documented maximum
    needs_response_type = False  # it is not among the documented parameters
    scopes: tuple[str, ...] = ()

    def build_endpoints(self) -> dict[str, Callable[[EndpointRequest], Response]]:
        """Return the endpoint of each route."""
        authorize = (self.show_consent, self.take_consent)
        others = (self._introspect, self.revoke, self._show_access, self._show_refresh, self._delete_refresh)
        return dict(zip(OAUTH_ROUTES, (*authorize, *authorize, self._issue_v1, self.issue_token, *others), strict=True))

    def all_scopes(self) -> tuple[str, ...]:
        """Return the scopes of the account."""
        return self.scopes

    def read_scopes(self, call: EndpointRequest) -> tuple[str, ...]:
        """Return `scope`, which the account must have completely, and the part of `optional_scope` that it has."""
        wanted = call.query.get("scope", "").split()
        if not wanted or not set(wanted) <= set(self.scopes):
            raise PageError("The scope is missing, or the account cannot grant it.")
        optional = [name for name in call.query.get("optional_scope", "").split() if name in self.scopes]
        return tuple(dict.fromkeys([*wanted, *optional]))

    def allows_redirect(self, scheme: str, host: str) -> bool:
        """Whether the address is a domain by https, or localhost."""
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return scheme == "https" or host == "localhost"
        return False

    def token_body(self, grant: Grant, access: str, refresh: str, life: int) -> dict[str, Any]:
        """Return the body of the OpenAPI file."""
        return {
            "token_type": "bearer",
            "access_token": access,
            "expires_in": life,
            "refresh_token": refresh,
            "token_use": "access_token",
            "hub_id": PORTAL,
            "scopes": list(grant.scopes),
            "user_id": int(grant.user.id),
        }

    def error_body(self, error: OAuthError) -> dict[str, Any]:
        """Return the old fields, and those of RFC 6749 beside them."""
        status = STATUSES[error.about] if error.about in STATUSES else f"BAD_{error.code.upper()}"
        old = {"status": status, "message": error.description}
        new = {"error": error.code, "error_description": error.description}
        return old if self.spec_variant.oauth_errors == "old" else old | new

    def _issue_v1(self, call: EndpointRequest) -> Response:
        self._check_v1()
        return self.issue_token(call)

    def _introspect(self, call: EndpointRequest) -> Response:
        self.check_client(call)
        token = call.form.get("token", "")
        found = self.grants.find(token, "access_token", "refresh_token")
        is_active = found is not None and found.is_good(call.now) and not found.is_used
        body = self._describe(token, found, call.now) | {"active": True} if found and is_active else {"active": False}
        return Response.of_json(200, body, *NO_STORE)

    def _show_access(self, call: EndpointRequest) -> Response:
        return self._show_v1(call, self.grants.find(call.values["token"], "access_token"))

    def _show_refresh(self, call: EndpointRequest) -> Response:
        return self._show_v1(call, self.grants.find(call.values["token"], "refresh_token"))

    def _show_v1(self, call: EndpointRequest, token: Issued | None) -> Response:
        self._check_v1()
        if token is None or not token.is_good(call.now):
            raise ApiError(404, "The token does not exist or has expired", "OBJECT_NOT_FOUND")  # the text is assumed
        return Response.of_json(200, self._describe(call.values["token"], token, call.now), *NO_STORE)

    def _delete_refresh(self, call: EndpointRequest) -> Response:
        self._check_v1()
        self.revoke_token(call.values["token"])
        return Response(204, b"", NO_STORE)

    def _describe(self, token: str, issued: Issued, now: dt.datetime) -> dict[str, Any]:
        left = {"expires_in": int((issued.ends - now).total_seconds())} if issued.ends else {}
        return left | {
            "token": token,
            "token_type": "access" if issued.kind == "access_token" else "refresh",
            "token_use": issued.kind,
            "client_id": issued.grant.client_id,
            "app_id": APP,
            "hub_id": PORTAL,
            "user_id": int(issued.grant.user.id),
            "user": issued.grant.user.email,
            "scopes": list(issued.grant.scopes),
            "is_private_distribution": True,
        }

    def _check_v1(self) -> None:
        if self.spec_variant.oauth_v1 == "gone":
            raise ApiError(404, "Unable to find this version", "OBJECT_NOT_FOUND")  # the text is assumed


def people_of(owners: Iterable[Owner]) -> list[OAuthUser]:
    """Return the users who can sign in: the active owners."""
    return [
        OAuthUser(str(owner.user_id), f"{owner.first_name} {owner.last_name}", owner.email)
        for owner in owners
        if not owner.archived
    ]
