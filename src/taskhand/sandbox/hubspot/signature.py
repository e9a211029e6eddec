"""The signatures of webhook requests."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

# documented: only these escapes of the URI are decoded before hashing
ESCAPES = re.compile("%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", re.IGNORECASE)


def v1(secret: str, body: str) -> str:
    """Return `X-HubSpot-Signature` of version v1."""
    return hashlib.sha256(f"{secret}{body}".encode()).hexdigest()


def v2(secret: str, method: str, uri: str, body: str) -> str:
    """Return `X-HubSpot-Signature` of version v2."""
    return hashlib.sha256(f"{secret}{method}{uri}{body}".encode()).hexdigest()


def v3(secret: str, method: str, uri: str, body: str, timestamp: str) -> str:
    """Return `X-HubSpot-Signature-v3`; `timestamp` is the sent one, in milliseconds."""
    plain = ESCAPES.sub(lambda match: chr(int(match[1], 16)), uri)
    digest = hmac.new(secret.encode(), f"{method}{plain}{body}{timestamp}".encode(), hashlib.sha256)
    return base64.b64encode(digest.digest()).decode()
