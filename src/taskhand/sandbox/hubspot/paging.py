"""Pages by `limit` and `after`, and the `paging` object that leads to the next page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from taskhand.sandbox.hubspot.errors import validation_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskhand.sandbox.hubspot.context import RequestContext


def read_limit(ctx: RequestContext, name: str, default: int, most: int) -> int:
    """Read a query parameter from 1 to `most`; the error texts are assumed."""
    text = ctx.query.get(name, "") or str(default)
    if not (text.isascii() and text.isdigit() and int(text) >= 1):
        raise validation_error(f"{name} was not a valid integer", **{name: [text]})
    if int(text) > most:
        raise validation_error(f"{name} must be at most {most}", **{name: [text]})
    return int(text)


def read_offset(text: str) -> int:
    """Read `after` as an offset; blank is 0."""
    if text and not (text.isascii() and text.isdigit()):
        raise validation_error("Invalid value for after", after=[text])
    return int(text or "0")


def offset_page(ctx: RequestContext, rows: Sequence[dict[str, Any]], limit: int) -> dict[str, Any]:
    """Return one page of rows, where `after` is an offset."""
    first = read_offset(ctx.query.get("after", ""))
    more = first + limit < len(rows)
    return {"results": list(rows[first : first + limit])} | (paging(ctx, str(first + limit)) if more else {})


def paging(ctx: RequestContext, after: str) -> dict[str, Any]:
    """Write `paging` for the next page; the link points to the sandbox."""
    pairs = [(key, value) for key, value in ctx.request.pairs if key != "after"]
    host = ctx.request.header("host") or "api.hubapi.com"
    link = f"http://{host}{ctx.request.path}?{urlencode([*pairs, ('after', after)])}"
    return {"paging": {"next": {"after": after, "link": link}}}
