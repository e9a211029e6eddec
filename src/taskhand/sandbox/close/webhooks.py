"""The endpoints of webhook subscriptions: https://developer.close.com/api/resources/webhooks."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.close.dates import format_instant_without_offset
from taskhand.sandbox.close.errors import REQUIRED, error_with_message, not_found, validation_error
from taskhand.sandbox.close.webhook import Webhook
from taskhand.sandbox.close.webhook_filter import is_valid_filter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from taskhand.sandbox.close.context import RequestContext

MAX_SUBSCRIPTIONS = 40
ON_CREATE = frozenset({"url", "events", "verify_ssl", "event_filter"})
ON_UPDATE = frozenset({"url", "events", "verify_ssl", "status"})
NO_TYPES = frozenset({"task", "task.task", "task_completed"})


def list_webhooks(ctx: RequestContext) -> dict[str, Any]:
    """`GET /webhook/`."""
    return {"data": [_render(hook, ctx) for hook in ctx.store.webhooks.values()], "has_more": False}


def get_webhook(ctx: RequestContext) -> dict[str, Any]:
    """`GET /webhook/{id}/`."""
    return _render(_find(ctx), ctx)


def create_webhook(ctx: RequestContext) -> dict[str, Any]:
    """`POST /webhook/`: 201, with the signature key."""
    _check(ctx.body, ON_CREATE)
    missing = {name: REQUIRED for name in ("url", "events") if name not in ctx.body}
    if missing:
        raise validation_error(**missing)
    if len(ctx.store.webhooks) >= MAX_SUBSCRIPTIONS:
        raise error_with_message(400, f"An organization can have at most {MAX_SUBSCRIPTIONS} webhook subscriptions.")
    hook = _new_webhook(ctx)
    ctx.store.webhooks[hook.id] = hook
    return _render(hook, ctx) | {"signature_key": hook.signature_key}


def update_webhook(ctx: RequestContext) -> dict[str, Any]:
    """`PUT /webhook/{id}/`: url, events, status, verify_ssl."""
    hook = _find(ctx)
    _check(ctx.body, ON_UPDATE)
    changes: dict[str, Any] = {**ctx.body, "events": tuple(ctx.body.get("events", hook.events))}
    ctx.store.webhooks[hook.id] = replace(hook, **changes, changed=ctx.now)
    return _render(ctx.store.webhooks[hook.id], ctx)


def delete_webhook(ctx: RequestContext) -> dict[str, Any]:
    """`DELETE /webhook/{id}/`."""
    del ctx.store.webhooks[_find(ctx).id]
    return {}


def _find(ctx: RequestContext) -> Webhook:
    hook = ctx.store.webhooks.get(ctx.values["id"])
    if hook is None:
        raise not_found("WebhookSubscription")
    return hook


def _new_webhook(ctx: RequestContext) -> Webhook:
    hook_id = ctx.store.fresh_id("whsub")
    return Webhook(
        id=hook_id,
        url=ctx.body["url"],
        events=tuple(ctx.body["events"]),
        signature_key=hashlib.sha256(hook_id.encode()).hexdigest(),
        created_by=ctx.user_id,
        made=ctx.now,
        changed=ctx.now,
        verify_ssl=ctx.body.get("verify_ssl", True),
    )


def _check(body: Mapping[str, Any], allowed: frozenset[str]) -> None:
    wrong = {name: "Extra inputs are not permitted" for name in body if name not in allowed}
    tests: dict[str, Callable[[Any], bool]] = {
        "url": lambda url: isinstance(url, str) and url.startswith(("http://", "https://")),
        "events": lambda events: isinstance(events, list) and all(map(_is_event_selector, events)),
        "status": lambda status: status in ("active", "paused"),
        "verify_ssl": lambda flag: isinstance(flag, bool),
    }
    wrong |= {name: "Invalid value." for name, test in tests.items() if name in body and not test(body[name])}
    if wrong:
        raise validation_error(**wrong)


def _is_event_selector(selector: Any) -> bool:
    if not isinstance(selector, dict) or not all(
        isinstance(selector.get(name), str) for name in ("object_type", "action")
    ):
        return False
    tree = selector.get("extra_filter")
    return selector["object_type"] not in NO_TYPES and (tree is None or is_valid_filter(tree))


def _render(hook: Webhook, ctx: RequestContext) -> dict[str, Any]:
    key = {"signature_key": hook.signature_key} if ctx.spec_variant.signature_key == "shown" else {}
    return {
        "id": hook.id,
        "status": hook.status,
        **key,
        "events": [{"extra_filter": None} | dict(selector) for selector in hook.events],
        "url": hook.url,
        "verify_ssl": hook.verify_ssl,
        "health_status": "healthy",
        "latest_error": None,
        "pause_reason": "api" if hook.status == "paused" else None,
        "counters": {},
        "recent_consecutive_fail_buckets_cnt": 0,
        "created_by": hook.created_by,
        "updated_by": hook.created_by,
        "date_created": format_instant_without_offset(hook.made),
        "date_updated": format_instant_without_offset(hook.changed),
    }
