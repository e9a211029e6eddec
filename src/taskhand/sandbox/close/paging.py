"""Pages: `_limit`, `_skip`, `has_more` (§3), and `_fields` (§1.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from taskhand.sandbox.close.errors import RefusedError, invalid, refused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from taskhand.sandbox.close.context import Desk

Item = TypeVar("Item")

DEFAULT_LIMIT = 100  # §3 [D]


def paged(items: Sequence[Item], desk: Desk, show: Callable[[Item], dict[str, Any]]) -> dict[str, Any]:
    """Give one page in the envelope `{"data": [...], "has_more": bool}` (§3 [D]); no total for tasks."""
    limit = _whole(desk, "_limit", DEFAULT_LIMIT, desk.reading.max_limit)
    skip = _whole(desk, "_skip", 0, desk.reading.max_skip)
    rows = [trimmed(show(item), desk) for item in items[skip : skip + limit]]
    return {"data": rows, "has_more": len(items) > skip + limit}


def trimmed(shown: dict[str, Any], desk: Desk) -> dict[str, Any]:
    """Keep the fields that `_fields` names, all without it (§1.1 [D])."""
    names = [name.strip() for name in desk.params.get("_fields", "").split(",") if name.strip()]
    if not names:
        return shown
    unknown = [name for name in names if name not in shown]
    if unknown and desk.reading.unknown_names == "rejected":  # §1.1 [?]
        raise invalid(_fields=f"Unknown fields: {', '.join(unknown)}")
    return {name: value for name, value in shown.items() if name in names}


def _whole(desk: Desk, name: str, default: int, cap: int) -> int:
    text = desk.params.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit()):
        kind = "an integer" if name == "_limit" else "a non-negative integer"
        raise refused(400, f'{name} must be {kind} (got "{text}" instead).')  # §1.4 [S]
    number = int(text) if len(text) < len(str(cap)) + 1 else cap + 1
    if number > cap:
        raise _over_cap(name, cap, desk)
    return number


def _over_cap(name: str, cap: int, desk: Desk) -> RefusedError:
    if desk.reading.over_cap == "field":  # §1.4 [L 2026, leads]
        return invalid(**{name: f"Input should be less than or equal to {cap}"})
    word = name.strip("_")
    sentence = f"The {word} you set is larger than the maximum {word} for this resource (max_{word} = {cap})."
    return refused(400, sentence)  # §1.4 [S]
