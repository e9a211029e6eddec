"""Webhooks: a subscription, what it is told, and the signature on it."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.close.event import Event, is_due, render_event
from taskhand.sandbox.close.webhook_filter import matches

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from taskhand.sandbox.close.context import RequestContext


@dataclass(frozen=True)
class Webhook:
    """One subscription; its key is 64 hex digits."""

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
    """One request as Close sends it: nothing is sent from here, whoever wants it posts it."""

    url: str
    headers: Mapping[str, str]
    body: str


def signature(key: str, timestamp: str, body: str) -> str:
    """Sign: HMAC-SHA256 under the key's bytes, of the timestamp and the raw body without a separator."""
    return hmac.new(bytes.fromhex(key), (timestamp + body).encode(), hashlib.sha256).hexdigest()


def deliveries(ctx: RequestContext) -> list[Delivery]:
    """Give what the subscriptions that are active are to be told of the events so far, in order."""
    return [
        _delivery(hook, event, ctx)
        for event in ctx.store.events
        for hook in ctx.store.webhooks.values()
        if hook.status == "active" and hook.made <= event.made and is_due(event, ctx) and _wants(hook, event, ctx)
    ]


def _wants(hook: Webhook, event: Event, ctx: RequestContext) -> bool:
    what = event.happening
    asked = [wish for wish in hook.events if (wish["object_type"], wish["action"]) == (what.object_type, what.action)]
    return any(matches(wish.get("extra_filter"), render_event(event, ctx)) for wish in asked)


def _delivery(hook: Webhook, event: Event, ctx: RequestContext) -> Delivery:
    body = json.dumps({"subscription_id": hook.id, "event": render_event(event, ctx)})
    timestamp = str(int(event.changed.timestamp()))
    headers = {
        "content-type": "application/json",
        "close-sig-hash": signature(hook.signature_key, timestamp, body),
        "close-sig-timestamp": timestamp,
    }
    return Delivery(hook.url, headers, body)
