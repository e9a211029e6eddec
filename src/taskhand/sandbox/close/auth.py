"""The API key or an OAuth token: https://developer.close.com/api/overview/api-key-authentication."""

from __future__ import annotations

import base64
import binascii
import secrets
from typing import TYPE_CHECKING, NamedTuple

from taskhand.sandbox.request_log import NOBODY, Holder

if TYPE_CHECKING:
    from taskhand.sandbox.oauth.grants import Issued


class Keys(NamedTuple):
    """The API key and the access token that are always valid, and the user who holds them."""

    key: str
    token: str
    owner: str


def read_bearer(header: str) -> str | None:
    """Return the token of Bearer, or None."""
    scheme, _, credential = header.partition(" ")
    return credential.strip() if scheme.lower() == "bearer" else None


def find_holder(header: str, keys: Keys, issued: Issued | None) -> Holder | None:
    """Return the holder of the credential in an Authorization header: a key as user name of Basic, or a Bearer token.

    `issued` is the token of the header if it was issued here, valid or not.
    """
    if not header:
        return None
    if issued is not None:
        return Holder("oauth", issued.grant.user.id)
    bearer = read_bearer(header)
    if bearer is not None:
        is_token = secrets.compare_digest(bearer.encode(), keys.token.encode())
        return Holder("access_token", keys.owner) if is_token else NOBODY
    return Holder("api_key", keys.owner) if _is_basic(header, keys.key) else NOBODY


def _is_basic(header: str, key: str) -> bool:
    scheme, _, credential = header.partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        sent = base64.b64decode(credential, validate=True)
    except (binascii.Error, ValueError):
        return False
    return secrets.compare_digest(sent, f"{key}:".encode())
