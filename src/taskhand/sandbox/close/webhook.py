"""A webhook subscription, and the signed requests for its events: https://developer.close.com/api/resources/webhooks."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.close.event import Event, is_due, render_event
from taskhand.sandbox.close.webhook_filter import matches_filter
from taskhand.sandbox.webhook_outbox import Found, Outgoing

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping

    from taskhand.sandbox.close.context import RequestContext


@dataclass(frozen=True)
class Webhook:
    """A subscription; `signature_key` has 64 hex digits."""

    id: str
    url: str
    events: tuple[Mapping[str, Any], ...]
    signature_key: str
    created_by: str
    made: dt.datetime
    changed: dt.datetime
    status: str = "active"
    verify_ssl: bool = True


@dataclass(frozen=True)
class Delivery:
    """A request as Close would send it, with a signature made at the moment of the event."""

    url: str
    headers: Mapping[str, str]
    body: str


def signature(key: str, timestamp: str, body: str) -> str:
    """Return the HMAC-SHA256 of timestamp and body, joined without separator, under the decoded hex key."""
    return hmac.new(bytes.fromhex(key), (timestamp + body).encode(), hashlib.sha256).hexdigest()


def deliveries(ctx: RequestContext) -> list[Delivery]:
    """Return the requests for all events so far that active subscriptions match, in order."""
    return [
        _delivery(hook, event, ctx)
        for event in ctx.store.events
        for hook in ctx.store.webhooks.values()
        if hook.status == "active"
        and hook.made <= event.made
        and is_due(event, ctx)
        and _matches_event(hook, event, ctx)
    ]


def find_deliveries(ctx: RequestContext) -> Iterator[Found]:
    """Find the events for active subscriptions; updates and deletes are ripe after the consolidation."""
    for event in ctx.store.events:
        for hook in ctx.store.webhooks.values():
            if hook.status == "active" and hook.made <= event.made:
                yield Found((hook.id, event.id), is_due(event, ctx), partial(_outgoing, hook, event, ctx))


def _outgoing(hook: Webhook, event: Event, ctx: RequestContext) -> Outgoing | None:
    if not _matches_event(hook, event, ctx):
        return None
    body = _delivery(hook, event, ctx).body
    return Outgoing(hook.url, body.encode(), partial(_sign, hook.signature_key, body))


def _sign(key: str, body: str, now: dt.datetime) -> dict[str, str]:
    timestamp = str(int(now.timestamp()))
    return {"close-sig-hash": signature(key, timestamp, body), "close-sig-timestamp": timestamp}


def _matches_event(hook: Webhook, event: Event, ctx: RequestContext) -> bool:
    change = (event.change.object_type, event.change.action)
    wanted = [hook_event for hook_event in hook.events if (hook_event["object_type"], hook_event["action"]) == change]
    return any(matches_filter(hook_event.get("extra_filter"), render_event(event, ctx)) for hook_event in wanted)


def _delivery(hook: Webhook, event: Event, ctx: RequestContext) -> Delivery:
    body = json.dumps({"subscription_id": hook.id, "event": render_event(event, ctx)})
    headers = {"content-type": "application/json", **_sign(hook.signature_key, body, event.changed)}
    return Delivery(hook.url, headers, body)
