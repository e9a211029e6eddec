"""The endpoints of the event log: https://developer.close.com/api/resources/events."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.close.date_range import DateRange
from taskhand.sandbox.close.errors import error_with_message, not_found, validation_error
from taskhand.sandbox.close.event import Event, render_event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskhand.sandbox.close.context import RequestContext

PAGE = 50  # the default and the maximum
RETENTION = dt.timedelta(days=30)
FILTERS = ("object_type", "object_id", "action", "lead_id", "user_id", "request_id")
COMBINATIONS = {  # as documented; a request without any filter is assumed to be allowed
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
OLDER, NEWER = "older.", "newer."  # the prefixes of a cursor, followed by an event's id; Close's cursors are opaque


def list_events(ctx: RequestContext) -> dict[str, Any]:
    """`GET /event/`: newest first, paged by cursor, without `_skip`."""
    found, limit = _filtered_events(ctx), _limit(ctx)
    start = _start(found, ctx.params.get("_cursor", ""), limit)
    page = found[start : start + limit]
    return {
        "data": [render_event(event, ctx) for event in page],
        "cursor_next": OLDER + page[-1].id if page and start + limit < len(found) else None,
        "cursor_previous": NEWER + page[0].id if page and start else None,
    }


def get_event(ctx: RequestContext) -> dict[str, Any]:
    """`GET /event/{id}/`."""
    for event in _retained(ctx):
        if event.id == ctx.values["id"]:
            return render_event(event, ctx)
    raise not_found("Event")


def _filtered_events(ctx: RequestContext) -> list[Event]:
    wanted = {name: ctx.params[name] for name in FILTERS if ctx.params.get(name)}
    if frozenset(wanted) not in COMBINATIONS:
        raise error_with_message(400, f"The combination of filters is not supported: {', '.join(sorted(wanted))}.")
    span = DateRange.read(ctx, "date_updated")
    return [event for event in _retained(ctx) if _fits(event, wanted) and span.contains(event.changed)]


def _retained(ctx: RequestContext) -> list[Event]:
    return [event for event in reversed(ctx.store.events) if _is_visible(event, ctx)]


def _is_visible(event: Event, ctx: RequestContext) -> bool:
    age = ctx.now - event.changed
    is_late = int(event.id[-1]) % 2 == 0
    return dt.timedelta(seconds=ctx.spec_variant.event_lag if is_late else 0) <= age < RETENTION


def _fits(event: Event, conditions: dict[str, str]) -> bool:
    own = {"user_id": event.user_id, "request_id": event.request_id}
    return all(value == own.get(name, getattr(event.change, name, None)) for name, value in conditions.items())


def _limit(ctx: RequestContext) -> int:
    text = ctx.params.get("_limit", "")
    return min(int(text), PAGE) if text.isascii() and text.isdigit() and int(text) else PAGE


def _start(events: Sequence[Event], cursor: str, limit: int) -> int:
    indexes = {event.id: index for index, event in enumerate(events)}
    index = indexes.get(cursor.partition(".")[2])
    if not cursor:
        return 0
    if index is None or not cursor.startswith((OLDER, NEWER)):
        raise validation_error(_cursor="Invalid cursor")
    return index + 1 if cursor.startswith(OLDER) else max(index - limit, 0)
