"""Pages by `_limit` and `_skip`, and objects trimmed to `_fields`: https://developer.close.com/api/overview."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from taskhand.sandbox.close.errors import ApiError, error_with_message, validation_error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from taskhand.sandbox.close.context import RequestContext

Item = TypeVar("Item")

DEFAULT_LIMIT = 100


def render_page(items: Sequence[Item], ctx: RequestContext, show: Callable[[Item], dict[str, Any]]) -> dict[str, Any]:
    """Return one page as `{"data": [...], "has_more": bool}`."""
    limit = _read_number(ctx, "_limit", DEFAULT_LIMIT, ctx.spec_variant.max_limit)
    skip = _read_number(ctx, "_skip", 0, ctx.spec_variant.max_skip)
    rows = [select_fields(show(item), ctx) for item in items[skip : skip + limit]]
    return {"data": rows, "has_more": len(items) > skip + limit}


def select_fields(row: dict[str, Any], ctx: RequestContext) -> dict[str, Any]:
    """Return the fields that `_fields` names; all fields without it."""
    names = [name.strip() for name in ctx.params.get("_fields", "").split(",") if name.strip()]
    if not names:
        return row
    unknown = [name for name in names if name not in row]
    if unknown and ctx.spec_variant.unknown_names == "rejected":
        raise validation_error(_fields=f"Unknown fields: {', '.join(unknown)}")
    return {name: value for name, value in row.items() if name in names}


def _read_number(ctx: RequestContext, name: str, default: int, cap: int) -> int:
    text = ctx.params.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit()):
        expected = "an integer" if name == "_limit" else "a non-negative integer"
        raise error_with_message(400, f'{name} must be {expected} (got "{text}" instead).')
    number = int(text) if len(text) < len(str(cap)) + 1 else cap + 1
    if number > cap:
        raise _over_cap(name, cap, ctx)
    return number


def _over_cap(name: str, cap: int, ctx: RequestContext) -> ApiError:
    if ctx.spec_variant.over_cap == "field":
        return validation_error(**{name: f"Input should be less than or equal to {cap}"})
    word = name.strip("_")
    sentence = f"The {word} you set is larger than the maximum {word} for this resource (max_{word} = {cap})."
    return error_with_message(400, sentence)
