"""The key in `x-api-key`, which every request needs."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from taskhand.sandbox.vambe.errors import unauthorized

if TYPE_CHECKING:
    from taskhand.sandbox.messages import Request


def check_key(request: Request, key: str) -> None:
    """Refuse a request with another key or none: 401."""
    if not secrets.compare_digest((request.header("x-api-key") or "").encode(), key.encode()):
        raise unauthorized()
