"""The webhooks of the app: https://developers.hubspot.com/docs/api-reference/2026-03/webhooks/guide.

Requests carry the developer key of the app's account instead of an access token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskhand.sandbox.hubspot.errors import APP, ApiError, unauthorized, validation_error
from taskhand.sandbox.hubspot.object_types import BY_NAME
from taskhand.sandbox.hubspot.reply import NO_CONTENT, JsonResponse

if TYPE_CHECKING:
    from taskhand.sandbox.hubspot.context import RequestContext
    from taskhand.sandbox.hubspot.webhooks import Subscription

DEVELOPER_KEY = "developer-sandbox-key"
FIRST_MILLIS = 1_788_597_072_520


def get_settings(ctx: RequestContext) -> JsonResponse:
    """`GET /webhooks/v3/{appId}/settings`."""
    _check_key(ctx)
    if ctx.hooks.url is None:
        raise ApiError(404, "No webhook settings exist for this app.", "OBJECT_NOT_FOUND")
    return JsonResponse(200, _render_settings(ctx.hooks.url))


def put_settings(ctx: RequestContext) -> JsonResponse:
    """`PUT /webhooks/v3/{appId}/settings`: the only target address of the app."""
    _check_key(ctx)
    url = ctx.object().get("targetUrl")
    if not isinstance(url, str) or not url.startswith(("https://", "http://127.0.0.1:")):  # HTTPS is documented
        raise validation_error("Webhooks need a target URL with HTTPS.", targetUrl=[str(url)])
    ctx.hooks.url = url
    return JsonResponse(200, _render_settings(url))


def delete_settings(ctx: RequestContext) -> JsonResponse:
    """`DELETE /webhooks/v3/{appId}/settings`."""
    _check_key(ctx)
    ctx.hooks.url = None
    return NO_CONTENT


def list_subscriptions(ctx: RequestContext) -> JsonResponse:
    """`GET /webhooks/v3/{appId}/subscriptions`."""
    _check_key(ctx)
    return JsonResponse(200, {"results": [_render(subscription) for subscription in ctx.hooks.subscriptions]})


def create_subscription(ctx: RequestContext) -> JsonResponse:
    """`POST /webhooks/v3/{appId}/subscriptions`: 201; an existing subscription is refused."""
    _check_key(ctx)
    body = ctx.object()
    event_type, name = body.get("eventType"), body.get("propertyName")
    object_type = str(body.get("objectTypeId", "0-27"))
    object_type = BY_NAME[object_type].type_id if object_type in BY_NAME else object_type
    same = [
        subscription for subscription in ctx.hooks.subscriptions if subscription[1:4] == (event_type, object_type, name)
    ]
    if same:
        raise ApiError(409, "This subscription exists already.", "CONFLICT")
    try:
        made = ctx.hooks.subscribe(str(event_type), name, object_type)
    except ValueError as error:
        raise validation_error(str(error)) from None
    return JsonResponse(201, _render(made))


def delete_subscription(ctx: RequestContext) -> JsonResponse:
    """`DELETE /webhooks/v3/{appId}/subscriptions/{id}`."""
    _check_key(ctx)
    found = [subscription for subscription in ctx.hooks.subscriptions if str(subscription.id) == ctx.values["id"]]
    if not found:
        raise ApiError(404, "Subscription not found", "OBJECT_NOT_FOUND")
    ctx.hooks.subscriptions.remove(found[0])
    return NO_CONTENT


def _check_key(ctx: RequestContext) -> None:
    if ctx.query.get("hapikey") != DEVELOPER_KEY:
        raise unauthorized()
    if ctx.values["appId"] != str(APP):
        raise ApiError(404, "App not found", "OBJECT_NOT_FOUND")


def _render_settings(url: str) -> dict[str, Any]:
    return {
        "targetUrl": url,
        "throttling": {"maxConcurrentRequests": 10, "period": "SECONDLY"},
        "createdAt": FIRST_MILLIS,
        "updatedAt": FIRST_MILLIS,
    }


def _render(subscription: Subscription) -> dict[str, Any]:
    named = {} if subscription.property_name is None else {"propertyName": subscription.property_name}
    return {
        "id": str(subscription.id),
        "eventType": subscription.event_type,
        "objectTypeId": subscription.object_type_id,
        **named,
        "active": subscription.active,
        "createdAt": FIRST_MILLIS,
        "updatedAt": FIRST_MILLIS,
    }
