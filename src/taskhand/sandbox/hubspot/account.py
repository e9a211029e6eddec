"""The endpoints about the account and the token (§1)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from taskhand.sandbox.hubspot.dates import stamp
from taskhand.sandbox.hubspot.errors import APP, PORTAL, invalid, unauthorised
from taskhand.sandbox.hubspot.rate_limits import ZONE
from taskhand.sandbox.hubspot.reply import Reply

if TYPE_CHECKING:
    from taskhand.sandbox.hubspot.context import RequestContext

USER = 98499705  # §10 CAP: the user of the sample event


def details(ctx: RequestContext) -> Reply:
    """`GET /account-info/v3/details` (§1 SPEC)."""
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
    return Reply(200, body)


def usage(ctx: RequestContext) -> Reply:
    """`GET /account-info/v3/api-usage/daily/private-apps` (§1 SPEC)."""
    local = ctx.now.astimezone(ZONE)
    midnight = dt.datetime.combine(local.date() + dt.timedelta(days=1), dt.time.min, ZONE)
    row = {
        "name": "private-apps-api-calls-daily",
        "usageLimit": ctx.spec_variant.daily,
        "currentUsage": ctx.used,
        "collectedAt": stamp(ctx.now),
        "fetchStatus": "SUCCESS",
        "resetsAt": stamp(midnight),
    }
    return Reply(200, {"results": [row]})


def token_info(ctx: RequestContext) -> Reply:
    """`POST /oauth/v2/private-apps/get/access-token-info` (§1 SDK): the token is in the body alone."""
    sent = ctx.object().get("tokenKey")
    if not isinstance(sent, str):
        raise invalid("tokenKey is required")
    if sent != ctx.token:
        raise unauthorised()
    return Reply(200, {"userId": USER, "hubId": PORTAL, "appId": APP, "scopes": sorted(ctx.scopes)})
