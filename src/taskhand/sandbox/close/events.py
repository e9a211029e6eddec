"""The event log's endpoints: newest first, by cursor, in the documented combinations of filters (§6.5)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.close.date_range import Span
from taskhand.sandbox.close.errors import absent, invalid, refused
from taskhand.sandbox.close.event import Event, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskhand.sandbox.close.context import RequestContext

MOST = 50  # §6.5 [D]: capped at, and the default
KEPT = dt.timedelta(days=30)  # §6.5 [D]
FILTERS = ("object_type", "object_id", "action", "lead_id", "user_id", "request_id")
COMBINATIONS = {  # §6.5 [D]; none at all is [I]
    frozenset(names.split())
    for names in (
        "",
        "object_type object_id",
        "object_type action",
        "object_id action",
        "lead_id object_type",
        "lead_id object_type action",
        "lead_id user_id object_type",
        "lead_id user_id object_type action",
        "lead_id user_id",
        "user_id object_id",
        "user_id object_id action",
        "user_id object_type",
        "user_id object_type action",
        "lead_id",
        "user_id",
        "request_id",
    )
}
OLDER, NEWER = "older.", "newer."  # ours: what a cursor is made of is [?]


def list_events(ctx: RequestContext) -> dict[str, Any]:
    """`GET /event/` (§6.5 [D]); there is no `_skip`."""
    found, limit = _found(ctx), _limit(ctx)
    start = _start(found, ctx.params.get("_cursor", ""), limit)
    page = found[start : start + limit]
    return {
        "data": [shown(event, ctx) for event in page],
        "cursor_next": OLDER + page[-1].id if page and start + limit < len(found) else None,
        "cursor_previous": NEWER + page[0].id if page and start else None,
    }


def get_event(ctx: RequestContext) -> dict[str, Any]:
    """`GET /event/{id}/` (§6.5 [D])."""
    for event in _kept(ctx):
        if event.id == ctx.values["id"]:
            return shown(event, ctx)
    raise absent("Event")


def _found(ctx: RequestContext) -> list[Event]:
    wanted = {name: ctx.params[name] for name in FILTERS if ctx.params.get(name)}
    if frozenset(wanted) not in COMBINATIONS:  # words: [I]
        raise refused(400, f"The combination of filters is not supported: {', '.join(sorted(wanted))}.")
    span = Span.read(ctx, "date_updated")
    return [event for event in _kept(ctx) if _fits(event, wanted) and span.holds(event.changed)]


def _kept(ctx: RequestContext) -> list[Event]:
    return [event for event in reversed(ctx.store.events) if ctx.now - event.changed < KEPT]


def _fits(event: Event, wanted: dict[str, str]) -> bool:
    own = {"user_id": event.user_id, "request_id": event.request_id}
    return all(value == own.get(name, getattr(event.happening, name, None)) for name, value in wanted.items())


def _limit(ctx: RequestContext) -> int:
    text = ctx.params.get("_limit", "")
    return min(int(text), MOST) if text.isascii() and text.isdigit() and int(text) else MOST


def _start(found: Sequence[Event], cursor: str, limit: int) -> int:
    places = {event.id: place for place, event in enumerate(found)}
    place = places.get(cursor.partition(".")[2])
    if not cursor:
        return 0
    if place is None or not cursor.startswith((OLDER, NEWER)):
        raise invalid(_cursor="Invalid cursor")  # words: [I]
    return place + 1 if cursor.startswith(OLDER) else max(place - limit, 0)
