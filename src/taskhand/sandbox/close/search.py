"""The endpoint of the advanced search, `POST /data/search/`: leads and contacts (§7)."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.close.errors import REQUIRED, invalid
from taskhand.sandbox.close.lead import shown, shown_contact
from taskhand.sandbox.close.search_tree import holds, kinds_in

if TYPE_CHECKING:
    from taskhand.sandbox.close.context import RequestContext

DEFAULT_LIMIT = 100  # §7 [?]
MOST = 10_000  # §3 [D]: objects of one search
LIFE = dt.timedelta(seconds=30)  # §3 [D, L]: of a cursor


def search(ctx: RequestContext) -> dict[str, Any]:
    """Answer `{"data": [...], "cursor": ...}`, with a count on request, and no `has_more` (§3 [L], §7 [D])."""
    query = ctx.body.get("query")
    if not isinstance(query, dict):
        raise invalid(query=REQUIRED)
    found = [row for row in _rows(ctx) if row["__object_type"] in kinds_in(query) and holds(query, row)]
    arranged = _arranged(found, ctx)[: min(_number(ctx, "results_limit", MOST), MOST)]
    start, limit = _start(ctx), _number(ctx, "_limit", DEFAULT_LIMIT)
    more = start + limit < len(arranged)
    answer = {
        "data": [_trimmed(row, ctx) for row in arranged[start : start + limit]],
        "cursor": _cursor(start + limit, ctx) if more else None,
    }
    counted = {"count": {"limited": len(arranged), "total": len(found)}} if ctx.body.get("include_counts") else {}
    return answer | counted


def _rows(ctx: RequestContext) -> list[dict[str, Any]]:
    leads = [{"__object_type": "lead"} | shown(lead, ctx) for lead in ctx.store.leads.values()]
    people = [{"__object_type": "contact"} | shown_contact(who, ctx) for who in ctx.store.contacts.values()]
    return leads + people


def _trimmed(row: dict[str, Any], ctx: RequestContext) -> dict[str, Any]:
    wanted = ctx.body.get("_fields")
    names = wanted.get(row["__object_type"]) if isinstance(wanted, dict) else None
    kept = names if isinstance(names, list) else ["id"]  # §7 [D]: ids alone unless asked
    return {name: value for name, value in row.items() if name == "__object_type" or name in kept}


def _arranged(rows: list[dict[str, Any]], ctx: RequestContext) -> list[dict[str, Any]]:
    for name, is_last_first in reversed(_sorts(ctx)):
        rows = sorted(rows, key=lambda row: str(row.get(name) or ""), reverse=is_last_first)  # used at once
    return rows


def _sorts(ctx: RequestContext) -> list[tuple[str, bool]]:
    sent = ctx.body.get("sort") or []
    try:
        return [(str(sort["field"]["field_name"]), sort.get("direction") == "desc") for sort in sent]
    except (KeyError, TypeError, AttributeError):
        raise invalid(sort="Invalid sort") from None  # words: [I]


def _number(ctx: RequestContext, name: str, default: int) -> int:
    value = ctx.body.get(name)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise invalid(**{name: "Input should be a valid integer"})
    return value


def _cursor(start: int, ctx: RequestContext) -> str:
    return base64.urlsafe_b64encode(f"{start} {ctx.now.isoformat()}".encode()).decode()


def _start(ctx: RequestContext) -> int:
    text = ctx.body.get("cursor")
    if text is None:
        return 0
    try:
        start, _, made = base64.urlsafe_b64decode(str(text)).decode().partition(" ")
        place, age = int(start), ctx.now - dt.datetime.fromisoformat(made)
    except (ValueError, TypeError, binascii.Error):
        raise invalid(cursor="Invalid cursor") from None  # words: [I]
    if age > LIFE:  # §1.4 [L]: this one has no `errors`, but nobody can tell by that
        raise invalid(cursor="Expired cursor")
    return max(place, 0)
