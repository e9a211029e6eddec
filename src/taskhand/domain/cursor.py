"""Cursors: opaque texts, each valid for one list only, such as that of a connection, a person, or a change; pure."""

import base64
import json
from hashlib import blake2b
from typing import Any

from taskhand.domain.errors import CallerError

__all__ = ["bind_cursor", "decode_cursor", "encode_cursor", "list_fingerprint", "other_cursor_error", "unbind_cursor"]

_BETWEEN = "."


def encode_cursor(value: object) -> str:
    """An opaque text for a JSON value."""
    text = json.dumps(value, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> Any:
    """The JSON value in a cursor as it was sent; None if it cannot be parsed."""
    try:
        return json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError):
        return None


def list_fingerprint(of: object) -> str:
    """A short hash of what identifies a list, such as its filters and order."""
    return blake2b(repr(of).encode(errors="replace"), digest_size=3).hexdigest()


def bind_cursor(cursor: str, *of: str | None) -> str:
    """The cursor, valid only for the list of these; unchanged without any."""
    return cursor if not any(of) else f"{cursor}{_BETWEEN}{list_fingerprint(of)}"


def unbind_cursor(cursor: str, *of: str | None) -> str:
    """The cursor that was bound to these; CallerError for the cursor of another list."""
    before, _, bound = cursor.partition(_BETWEEN)
    if bound != (list_fingerprint(of) if any(of) else ""):
        raise other_cursor_error()
    return before


def other_cursor_error(
    message: str = "cursor does not belong to this list.", *, is_filtered: bool = False
) -> CallerError:
    """The error for the cursor of another list, or of none; `is_filtered` if the list has filters and an order."""
    same = " with the same filters and order" if is_filtered else ""
    return CallerError(
        message,
        code="invalid_cursor",
        next_step=f"Repeat the call that gave nextCursor{same}, or leave cursor out.",
    )
