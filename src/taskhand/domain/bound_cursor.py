"""Cursors that are valid for one list only, such as the list of a connection, a person, or a change; pure."""

from hashlib import blake2b

from taskhand.domain.errors import CallerError

__all__ = ["bind_cursor", "other_cursor_error", "unbind_cursor"]

_BETWEEN = "."


def bind_cursor(cursor: str, *of: str | None) -> str:
    """The cursor, valid only for the list of these; unchanged without any."""
    return cursor if not any(of) else f"{cursor}{_BETWEEN}{_fingerprint(of)}"


def unbind_cursor(cursor: str, *of: str | None) -> str:
    """The cursor that was bound to these; CallerError for the cursor of another list."""
    before, _, fingerprint = cursor.partition(_BETWEEN)
    if fingerprint != (_fingerprint(of) if any(of) else ""):
        raise other_cursor_error()
    return before


def other_cursor_error() -> CallerError:
    """The error for the cursor of another list, or of none."""
    return CallerError(
        "cursor does not belong to this list.",
        code="invalid_cursor",
        next_step="Repeat the call that gave nextCursor, or leave cursor out.",
    )


def _fingerprint(of: tuple[str | None, ...]) -> str:
    return blake2b(repr(of).encode(errors="replace"), digest_size=3).hexdigest()
