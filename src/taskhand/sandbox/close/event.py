"""The events of the log and of webhooks: https://developer.close.com/api/resources/events."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.close.dates import format_instant_without_offset

if TYPE_CHECKING:
    from taskhand.sandbox.close.context import RequestContext

LATE = frozenset({"updated", "deleted"})  # the actions whose delivery waits for the consolidation

SHOWN = dt.timedelta(hours=1)  # how long users without admin rights see the changed values


@dataclass(frozen=True)
class ObjectChange:
    """A change of one object: `data` after it, `previous` the changed fields, or all fields of a deleted object."""

    object_type: str
    action: str
    object_id: str
    lead_id: str | None
    data: dict[str, Any] | None
    previous: dict[str, Any] | None = None


@dataclass(frozen=True)
class Event:
    """One event of the log."""

    id: str
    change: ObjectChange
    made: dt.datetime
    changed: dt.datetime
    user_id: str
    request_id: str
    method: str
    path: str


def emit(ctx: RequestContext, change: ObjectChange) -> None:
    """Log an event; an update soon after another of the same object is merged into it."""
    earlier = _earlier(ctx, change)
    if earlier is not None:
        ctx.store.events.remove(earlier)
        ctx.store.events.append(_merged(earlier, change, ctx.now))
        return
    fresh = ctx.store.fresh_id
    made = Event(fresh("ev"), change, ctx.now, ctx.now, ctx.user_id, fresh("req"), ctx.method, ctx.path)
    ctx.store.events.append(made)


def is_due(event: Event, ctx: RequestContext) -> bool:
    """Whether the event may be delivered; updates and deletes wait until the consolidation has ended."""
    age = (ctx.now - event.made).total_seconds()
    return event.change.action not in LATE or age >= ctx.spec_variant.consolidation


def render_event(event: Event, ctx: RequestContext) -> dict[str, Any]:
    """Write the event object of the log and of webhooks; its data may be visible for an hour only."""
    change = event.change
    previous = change.previous or {}
    is_hidden = ctx.spec_variant.event_data == "hour" and ctx.now - event.changed >= SHOWN
    return {
        "id": event.id,
        "date_created": format_instant_without_offset(event.made),
        "date_updated": format_instant_without_offset(event.changed),
        "organization_id": ctx.store.organization.id,
        "user_id": event.user_id,
        "request_id": event.request_id,
        "api_key_id": None,
        "oauth_client_id": None,
        "oauth_scope": None,
        "object_type": change.object_type,
        "object_id": change.object_id,
        "lead_id": change.lead_id,
        "action": change.action,
        "changed_fields": sorted(previous) if change.action == "updated" else [],
        "meta": {"request_method": event.method, "request_path": event.path},
        "data": None if is_hidden else change.data,
        "previous_data": None if is_hidden else previous,
    }


def _earlier(ctx: RequestContext, change: ObjectChange) -> Event | None:
    span = ctx.spec_variant.consolidation
    if change.action != "updated" or not span:
        return None
    for event in reversed(ctx.store.events):
        same = (event.change.object_id, event.change.action) == (change.object_id, "updated")
        if same and (ctx.now - event.made).total_seconds() < span:
            return event
    return None


def _merged(earlier: Event, change: ObjectChange, now: dt.datetime) -> Event:
    # documented: the first `date_created`, the last `date_updated`, `previous_data` from before the first update
    previous = {**(change.previous or {}), **(earlier.change.previous or {})}
    return replace(earlier, change=replace(change, previous=previous), changed=now)
