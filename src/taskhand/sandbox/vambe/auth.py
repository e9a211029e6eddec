"""The key in `x-api-key`, required by every request."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from taskhand.sandbox.request_log import NOBODY, Holder
from taskhand.sandbox.vambe.errors import unauthorized

if TYPE_CHECKING:
    from taskhand.sandbox.messages import ReceivedRequest

ORGANIZATION = Holder("organization_key")


def check_key(request: ReceivedRequest, key: str) -> None:
    """Refuse a request with a wrong key, or without one: 401."""
    if not _is_key(request.header("x-api-key") or "", key):
        raise unauthorized()


def find_holder(request: ReceivedRequest, key: str) -> Holder | None:
    """Return the holder of a request's key; keys of Vambe belong to the organisation, not to a user."""
    sent = request.header("x-api-key")
    return None if sent is None else ORGANIZATION if _is_key(sent, key) else NOBODY


def _is_key(sent: str, key: str) -> bool:
    return secrets.compare_digest(sent.encode(), key.encode())
