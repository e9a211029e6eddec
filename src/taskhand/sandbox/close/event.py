"""Events: what happened to which object, told to the log and to the webhooks that asked for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.close.dates import format_instant_without_offset

if TYPE_CHECKING:
    import datetime as dt

    from taskhand.sandbox.close.context import RequestContext

LATE = frozenset({"updated", "deleted"})  # these fire after the consolidation


@dataclass(frozen=True)
class Change:
    """What happened: `data` is the object after it, `previous` is what changed, or all of a deleted object."""

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
    happening: Change
    made: dt.datetime
    changed: dt.datetime
    user_id: str
    request_id: str
    method: str
    path: str


def emit(ctx: RequestContext, happening: Change) -> None:
    """Log an event; updates of one object that come close together become one."""
    earlier = _earlier(ctx, happening)
    if earlier is not None:
        ctx.store.events.remove(earlier)
        ctx.store.events.append(_merged(earlier, happening, ctx.now))
        return
    fresh = ctx.store.fresh_id
    made = Event(fresh("ev"), happening, ctx.now, ctx.now, ctx.store.key_owner, fresh("req"), ctx.method, ctx.path)
    ctx.store.events.append(made)


def is_due(event: Event, ctx: RequestContext) -> bool:
    """Whether it may be delivered: updates and deletes wait for the consolidation to end."""
    age = (ctx.now - event.made).total_seconds()
    return event.happening.action not in LATE or age >= ctx.spec_variant.consolidation


def render_event(event: Event, ctx: RequestContext) -> dict[str, Any]:
    """Write an event as it is delivered and logged."""
    what = event.happening
    previous = what.previous or {}
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
        "object_type": what.object_type,
        "object_id": what.object_id,
        "lead_id": what.lead_id,
        "action": what.action,
        "changed_fields": sorted(previous) if what.action == "updated" else [],
        "meta": {"request_method": event.method, "request_path": event.path},
        "data": what.data,
        "previous_data": previous,
    }


def _earlier(ctx: RequestContext, happening: Change) -> Event | None:
    span = ctx.spec_variant.consolidation
    if happening.action != "updated" or not span:
        return None
    for event in reversed(ctx.store.events):
        same = (event.happening.object_id, event.happening.action) == (happening.object_id, "updated")
        if same and (ctx.now - event.made).total_seconds() < span:
            return event
    return None


def _merged(earlier: Event, happening: Change, now: dt.datetime) -> Event:
    # the first `date_created`, the last `date_updated`, `previous_data` from before the first
    previous = {**(happening.previous or {}), **(earlier.happening.previous or {})}
    return replace(earlier, happening=replace(happening, previous=previous), changed=now)
