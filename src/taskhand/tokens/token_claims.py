"""The holder of a token by its claims (RFC 7519, RFC 9068), and whether it is valid for this server now; pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from taskhand.domain.person_id import flaw_of_person
from taskhand.domain.principal import SCOPES, Scope, fold_person, is_token_person, token_person
from taskhand.tokens.signed_token import RefusedToken, SignedToken

__all__ = [
    "SCOPE_PREFIX",
    "SKEW_S",
    "TokenHolder",
    "TokenRules",
    "check_audience",
    "check_is_access_token",
    "check_times",
    "read_email",
    "read_holder",
]

SCOPE_PREFIX: Final = "tasks:"
"""The prefix of scopes in tokens: `tasks:read` is the scope `read`."""
SKEW_S: Final = 30
"""Allowed clock skew, in seconds, between an issuer and this machine."""
_FAR_S: Final = 10.0**11
"""An upper bound for times in a token, in seconds since 1970: 3,000 years away, or a value in milliseconds."""
_MAX_GROUPS: Final = 1_000
_OTHER_KINDS: Final = ("ID", "Refresh", "Offline", "Logout")
"""Values of Keycloak's claim `typ` for tokens that are not access tokens."""


@dataclass(frozen=True, slots=True)
class TokenRules:
    """The requirements for tokens, and the rules for reading their claims.

    `audiences` are accepted besides the server's address. `scope_prefix` is the issuer's prefix of scopes.
    `groups_claim` is the claim with the person's groups. `verified_emails` are the issuers whose e-mails all count as
    verified, even without the claim for it.
    """

    audiences: frozenset[str] = frozenset()
    scope_prefix: str = ""
    groups_claim: str = "groups"
    verified_emails: frozenset[str] = frozenset()

    def full_scope(self, scope: Scope) -> str:
        """The full name of a scope, as a client requests it."""
        return f"{self.scope_prefix}{SCOPE_PREFIX}{scope}"


@dataclass(frozen=True, slots=True)
class TokenHolder:
    """The holder of a token: issuer and subject, client, and scopes; times are POSIX seconds."""

    issuer: str
    subject: str
    client_id: str
    scopes: frozenset[Scope]
    email: str | None = field(default=None, repr=False)
    groups: tuple[str, ...] = ()
    expires_at: float | None = None

    @property
    def person(self) -> str:
        """The id of the person."""
        return token_person(self.issuer, self.subject)


def check_is_access_token(token: SignedToken) -> None:
    """Check the kind of a token; RefusedToken for an ID token, or another kind that the same keys sign."""
    claims = token.claims
    if token.is_access_token:
        return
    has_scopes = "scope" in claims or "scp" in claims
    is_id_token = "at_hash" in claims or "c_hash" in claims or ("nonce" in claims and not has_scopes)
    if is_id_token or "events" in claims or claims.get("typ") in _OTHER_KINDS:
        raise RefusedToken("it is no access token, but an ID token or another kind", is_misconfigured=True)


def read_holder(
    claims: Mapping[str, Any], issuer: str, rules: TokenRules, *, resource: str, now: float, must_expire: bool = True
) -> TokenHolder:
    """Read the holder from authenticated claims; RefusedToken if the claims do not admit the holder now.

    `resource` is the address of this server. `must_expire` is False if the issuer has just confirmed the token.
    """
    check_times(claims, now, must_expire=must_expire)
    check_audience(claims.get("aud"), {resource, *rules.audiences})
    if "cnf" in claims:
        raise RefusedToken("it is bound to a key of its client, and was sent without the proof", is_misconfigured=True)
    subject = claims.get("sub")
    if not isinstance(subject, str) or not is_token_person(token_person(issuer, subject)):
        raise RefusedToken("it has no subject, or one that is no text of 255 ASCII characters", is_misconfigured=True)
    client = next(
        (value for name in ("client_id", "azp", "cid") if isinstance(value := claims.get(name), str)), subject
    )
    return TokenHolder(
        issuer,
        subject,
        client,
        _read_scopes(claims, rules),
        read_email(claims, is_vouched=issuer in rules.verified_emails),
        _read_groups(claims, rules.groups_claim),
        claims.get("exp"),
    )


def check_times(claims: Mapping[str, Any], now: float, *, must_expire: bool) -> None:
    """Check the times; RefusedToken if the token is expired, not valid yet, or has impossible times."""
    for name in ("exp", "nbf", "iat"):
        given = claims.get(name, 0)
        if not isinstance(given, int | float) or isinstance(given, bool) or not 0 <= given < _FAR_S:
            raise RefusedToken(f"its {name} is no time")
    if must_expire and "exp" not in claims:
        raise RefusedToken("it never expires", is_misconfigured=True)
    if "exp" in claims and claims["exp"] + SKEW_S <= now:
        raise RefusedToken("it has expired")
    if any(claims.get(name, now) - SKEW_S > now for name in ("nbf", "iat")):
        raise RefusedToken("it is not valid yet; perhaps a clock is wrong")


def check_audience(claim: object, accepted: Collection[str]) -> None:
    """Check the audience; RefusedToken if the token is for none of the accepted ones."""
    audiences = [claim] if isinstance(claim, str) else claim
    if not isinstance(audiences, list) or not any(
        audience in accepted for audience in audiences if isinstance(audience, str)
    ):
        wanted = " or ".join(sorted(accepted))
        raise RefusedToken(f"its audience (aud) is not {wanted}", is_misconfigured=True)


def _read_scopes(claims: Mapping[str, Any], rules: TokenRules) -> frozenset[Scope]:
    """Read the scopes with our prefix: `scope` is a text separated by spaces, `scp` of some issuers is a list."""
    given = claims.get("scope", claims.get("scp", ""))
    names = given.split() if isinstance(given, str) else given
    listed = names if isinstance(names, list) else []
    held = {scope.removeprefix(rules.scope_prefix) for scope in listed if isinstance(scope, str)}
    return frozenset(scope for scope in SCOPES if f"{SCOPE_PREFIX}{scope}" in held)


def read_email(claims: Mapping[str, Any], *, is_vouched: bool) -> str | None:
    """Read the e-mail if it is verified: people may enter another person's address in their profile."""
    given = claims.get("email")
    if not isinstance(given, str) or not (is_vouched or claims.get("email_verified") is True):
        return None
    email = fold_person(given.strip())
    is_email = "@" in email and not is_token_person(email) and flaw_of_person(email) is None
    return email if is_email else None


def _read_groups(claims: Mapping[str, Any], claim: str) -> tuple[str, ...]:
    """Read the groups; RefusedToken if the issuer omitted them, since most rules about groups forbid something."""
    elsewhere = claims.get("_claim_names")  # Entra, if a token has no room for all groups
    if claim not in claims and isinstance(elsewhere, dict) and claim in elsewhere:
        raise RefusedToken("its person is in more groups than the issuer writes into a token", is_misconfigured=True)
    given = claims.get(claim, [])
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list) or len(names) > _MAX_GROUPS or not all(isinstance(name, str) for name in names):
        raise RefusedToken("its groups are no list of texts", is_misconfigured=True)
    return tuple(dict.fromkeys(names))
