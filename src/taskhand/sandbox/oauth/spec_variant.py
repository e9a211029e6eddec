"""The points of OAuth that CRMs' documentation leaves open, the same for all CRMs; defaults may differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from taskhand.sandbox.spec_variant import Switches


@dataclass(frozen=True)
class OAuthSwitches(Switches):
    """One possible behaviour of an authorization server; a CRM's spec variant adds further switches."""

    # Lifetime of an access token in seconds.
    oauth_access_life: int = 3600
    # Lifetime of a code in seconds; RFC 6749 advises at most ten minutes.
    oauth_code_life: int = 60
    # Lifetime of a refresh token in seconds; 0 for unlimited.
    oauth_refresh_life: int = 0
    # A refresh returns another refresh token, or the same.
    oauth_refresh: Literal["rotated", "kept"] = "rotated"
    # A refresh token that was rotated away is refused, ends the whole grant (RFC 9700), or is accepted once more.
    oauth_reuse: Literal["refused", "ends_grant", "accepted"] = "refused"
    # Revoking a refresh token ends the access tokens too (RFC 7009 advises it), or that token only.
    oauth_revoke: Literal["grant", "token"] = "grant"
    # A code challenge is checked if it was sent, ignored, or required.
    oauth_pkce: Literal["checked", "ignored", "required"] = "checked"
    # Whether `redirect_uri` must be sent with the code.
    oauth_code_redirect: Literal["required", "optional"] = "required"
    # Whether the redirect has the `state` that was sent.
    oauth_state: Literal["returned", "dropped"] = "returned"
    # A person who declines is redirected with `access_denied`, or stays on the CRM's page.
    oauth_denied: Literal["redirected", "silent"] = "redirected"
    # An app may use any redirect address, or only one that the documentation permits.
    oauth_redirects: Literal["any", "documented"] = "any"
