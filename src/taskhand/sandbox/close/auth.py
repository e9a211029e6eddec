"""The API key or the OAuth token: https://developer.close.com/api/overview/api-key-authentication."""

from __future__ import annotations

import base64
import binascii
import secrets


def is_authorized(header: str, key: str, token: str) -> bool:
    """Whether the Authorization header has the key as user name of Basic without a password, or the Bearer token."""
    scheme, _, credential = header.partition(" ")
    if scheme.lower() == "bearer":
        return secrets.compare_digest(credential.strip().encode(), token.encode())
    if scheme.lower() != "basic":
        return False
    try:
        sent = base64.b64decode(credential, validate=True)
    except (binascii.Error, ValueError):
        return False
    return secrets.compare_digest(sent, f"{key}:".encode())
