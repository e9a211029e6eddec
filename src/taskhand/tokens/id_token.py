"""Checks an ID token (OpenID Connect Core §3.1.3.7), which names the person who has just signed in; pure."""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256, sha384, sha512
from hmac import compare_digest
from typing import Any, Final

from taskhand.domain.principal import is_token_person, token_person
from taskhand.tokens.signed_token import RefusedToken, SignedToken
from taskhand.tokens.token_claims import SKEW_S, check_audience, check_times

__all__ = ["check_access_hash", "read_signed_in"]

_NEWEST_S: Final = 600
"""Maximum age of a sign-in in seconds; the page waits as long for it."""
_HASHES: Final = {"256": sha256, "384": sha384}
"""The hash of an algorithm by the end of its name; all others, including EdDSA, use SHA-512."""


def read_signed_in(token: SignedToken, issuer: str, *, client_id: str, nonce: str, now: float) -> str:
    """The id of the person who has signed in; RefusedToken if the token does not belong to this sign-in.

    The claims must come from the issuer. `nonce` is that of this sign-in.
    """
    claims = token.claims
    if claims.get("iss") != issuer:
        raise RefusedToken("it is of another issuer")
    if token.is_access_token:
        raise RefusedToken("it is an access token")
    check_times(claims, now, must_expire=True)
    check_audience(claims.get("aud"), {client_id})
    _check_presenter(claims, client_id)
    given = claims.get("nonce")
    if not nonce or not isinstance(given, str) or not compare_digest(given.encode(), nonce.encode()):
        raise RefusedToken("it is not of this sign-in (nonce)")
    if "iat" not in claims or claims["iat"] + _NEWEST_S + SKEW_S <= now:
        raise RefusedToken("it was not issued just now (iat)")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not is_token_person(token_person(issuer, subject)):
        raise RefusedToken("it has no subject, or one that is no text of 255 ASCII characters")
    return token_person(issuer, subject)


def check_access_hash(token: SignedToken, access_token: str) -> None:
    """Check `at_hash`; RefusedToken if the ID token belongs to another access token than the one received with it."""
    given = token.claims.get("at_hash")
    if given is None:
        return
    digest = _HASHES.get(token.algorithm[-3:], sha512)(access_token.encode("utf-8", "replace")).digest()
    if given != urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode():
        raise RefusedToken("the access token beside it is another (at_hash)")


def _check_presenter(claims: Mapping[str, Any], client_id: str) -> None:
    """Check `azp`; RefusedToken if the token was issued to another client, although this one is in its audience."""
    audiences, presenter = claims.get("aud"), claims.get("azp")
    if isinstance(audiences, list) and len(audiences) > 1 and presenter is None:
        raise RefusedToken("it is for several clients, and does not name the one that requested it (azp)")
    if presenter is not None and presenter != client_id:
        raise RefusedToken("another client requested it (azp)")
