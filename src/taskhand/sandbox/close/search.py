"""The search `POST /data/search/` for leads and contacts: https://developer.close.com/api/advanced-filtering/search."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.close.errors import REQUIRED, validation_error
from taskhand.sandbox.close.lead import render_contact, render_lead
from taskhand.sandbox.close.search_tree import BEGINNINGS, matches_tree, object_types_in

if TYPE_CHECKING:
    from taskhand.sandbox.close.context import RequestContext

DEFAULT_LIMIT = 100
MAX_RESULTS = 10_000
CURSOR_LIFETIME = dt.timedelta(seconds=30)


def search(ctx: RequestContext) -> dict[str, Any]:
    """Answer `{"data": [...], "cursor": ...}`, with `count` on request and without `has_more`."""
    query = ctx.body.get("query")
    if not isinstance(query, dict):
        raise validation_error(query=REQUIRED)
    if ctx.spec_variant.word_beginnings == "rejected" and BEGINNINGS in json.dumps(query):
        raise validation_error(query=f"Invalid query: mode {BEGINNINGS}")
    found = [row for row in _rows(ctx) if row["__object_type"] in object_types_in(query) and matches_tree(query, row)]
    arranged = _sort_rows(found, ctx)[: min(_number(ctx, "results_limit", MAX_RESULTS), MAX_RESULTS)]
    start, limit = _start(ctx), _number(ctx, "_limit", DEFAULT_LIMIT)
    more = start + limit < len(arranged)
    answer = {
        "data": [_select_fields(row, ctx) for row in arranged[start : start + limit]],
        "cursor": _cursor(start + limit, ctx) if more else None,
    }
    counted = {"count": {"limited": len(arranged), "total": len(found)}} if ctx.body.get("include_counts") else {}
    return answer | counted


def _rows(ctx: RequestContext) -> list[dict[str, Any]]:
    leads = [{"__object_type": "lead"} | render_lead(lead, ctx) for lead in ctx.store.leads.values()]
    people = [{"__object_type": "contact"} | render_contact(who, ctx) for who in ctx.store.contacts.values()]
    return leads + people


def _select_fields(row: dict[str, Any], ctx: RequestContext) -> dict[str, Any]:
    wanted = ctx.body.get("_fields")
    names = wanted.get(row["__object_type"]) if isinstance(wanted, dict) else None
    kept = names if isinstance(names, list) else ["id"]  # by default only ids
    return {name: value for name, value in row.items() if name == "__object_type" or name in kept}


def _sort_rows(rows: list[dict[str, Any]], ctx: RequestContext) -> list[dict[str, Any]]:
    for name, descends in reversed(_sorts(ctx)):
        rows = sorted(rows, key=lambda row: str(row.get(name) or ""), reverse=descends)
    return rows


def _sorts(ctx: RequestContext) -> list[tuple[str, bool]]:
    sent = ctx.body.get("sort") or []
    try:
        return [(str(sort["field"]["field_name"]), sort.get("direction") == "desc") for sort in sent]
    except (KeyError, TypeError, AttributeError):
        raise validation_error(sort="Invalid sort") from None


def _number(ctx: RequestContext, name: str, default: int) -> int:
    value = ctx.body.get(name)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise validation_error(**{name: "Input should be a valid integer"})
    return value


def _cursor(start: int, ctx: RequestContext) -> str:
    return base64.urlsafe_b64encode(f"{start} {ctx.now.isoformat()}".encode()).decode()


def _start(ctx: RequestContext) -> int:
    text = ctx.body.get("cursor")
    if text is None:
        return 0
    try:
        start, _, made = base64.urlsafe_b64decode(str(text)).decode().partition(" ")
        offset, age = int(start), ctx.now - dt.datetime.fromisoformat(made)
    except (ValueError, TypeError, binascii.Error):
        raise validation_error(cursor="Invalid cursor") from None
    if age > CURSOR_LIFETIME:
        raise validation_error(cursor="Expired cursor")
    return max(offset, 0)
