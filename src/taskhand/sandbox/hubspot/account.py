"""The endpoints of the account and the token: https://developers.hubspot.com/docs/api-reference/account-info-v3/guide."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from taskhand.sandbox.hubspot.dates import format_instant
from taskhand.sandbox.hubspot.errors import APP, PORTAL, unauthorized, validation_error
from taskhand.sandbox.hubspot.rate_limits import ZONE
from taskhand.sandbox.hubspot.reply import JsonResponse

if TYPE_CHECKING:
    from taskhand.sandbox.hubspot.context import RequestContext

USER = 98499705  # the user in a recorded webhook event


def details(ctx: RequestContext) -> JsonResponse:
    """`GET /account-info/v3/details`."""
    offset = ctx.now.astimezone(ZONE).utcoffset() or dt.timedelta()
    minutes = int(offset.total_seconds() // 60)
    body = {
        "portalId": PORTAL,
        "accountType": "STANDARD",
        "timeZone": str(ZONE),
        "companyCurrency": "USD",
        "additionalCurrencies": [],
        "utcOffset": f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}",
        "utcOffsetMilliseconds": minutes * 60_000,
        "uiDomain": "app.hubspot.com",
        "dataHostingLocation": "na1",
    }
    return JsonResponse(200, body)


def usage(ctx: RequestContext) -> JsonResponse:
    """`GET /account-info/v3/api-usage/daily/private-apps`."""
    local = ctx.now.astimezone(ZONE)
    midnight = dt.datetime.combine(local.date() + dt.timedelta(days=1), dt.time.min, ZONE)
    row = {
        "name": "private-apps-api-calls-daily",
        "usageLimit": ctx.spec_variant.daily,
        "currentUsage": ctx.used,
        "collectedAt": format_instant(ctx.now),
        "fetchStatus": "SUCCESS",
        "resetsAt": format_instant(midnight),
    }
    return JsonResponse(200, {"results": [row]})


def token_info(ctx: RequestContext) -> JsonResponse:
    """`POST /oauth/v2/private-apps/get/access-token-info`: takes the token in the body only.

    Its path implies that it refuses OAuth tokens.
    """
    sent = ctx.object().get("tokenKey")
    if not isinstance(sent, str):
        raise validation_error("tokenKey is required")
    if sent != ctx.token:
        raise unauthorized()
    return JsonResponse(200, {"userId": USER, "hubId": PORTAL, "appId": APP, "scopes": sorted(ctx.scopes)})
