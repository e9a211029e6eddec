"""The contact endpoints: https://docs.vambe.me/reference/contact/search-contacts and its neighbours."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.vambe.contact import digits, has_id, render_contact
from taskhand.sandbox.vambe.errors import Issue, not_found, validation_error

if TYPE_CHECKING:
    from taskhand.sandbox.vambe.context import RequestContext

MAX_FOUND = 50
DAYS = re.compile(r"\d{1,3}", re.ASCII)
MAX_DAYS = 365


def search_contacts(ctx: RequestContext) -> list[dict[str, Any]]:
    """`GET /api/public/contacts/search`: by phone, e-mail, or both."""
    phone, email = ctx.query.get("phone"), ctx.query.get("email")
    if not email and not (phone and digits(phone)):
        raise validation_error(Issue("phone", "custom", "phone or email is required"))
    found = [contact for contact in ctx.store.contacts if contact.matches(phone, email)]
    return [render_contact(contact, ctx.spec_variant) for contact in found[:MAX_FOUND]]


def recent_contacts(ctx: RequestContext) -> list[dict[str, Any]]:
    """`GET /api/public/contacts`: contacts whose last message is at most `days` old, latest first."""
    since = ctx.now - dt.timedelta(days=_days(ctx))
    stage = ctx.query.get("stage_id")
    found = [contact for contact in ctx.store.contacts if contact.last_message_at >= since]
    staged = [contact for contact in found if stage is None or contact.default_stage_id == stage]
    staged.sort(key=lambda contact: contact.last_message_at, reverse=True)
    return [render_contact(contact, ctx.spec_variant) for contact in staged]


def contact_info(ctx: RequestContext) -> dict[str, Any]:
    """`GET /api/public/contact/{aiContactId}/info`: the fields of the search and of the chat."""
    for contact in ctx.store.contacts:
        if has_id(contact, ctx.values["aiContactId"], ctx.spec_variant):
            return render_contact(contact, ctx.spec_variant) | {
                "last_message_content": None,
                "is_chat_read": True,
                "blocked": False,
            }
    raise not_found("Contact")


def _days(ctx: RequestContext) -> int:
    text = ctx.query.get("days", "")
    days = int(text) if DAYS.fullmatch(text) else 0
    if not 1 <= days <= MAX_DAYS:
        raise validation_error(Issue("days", "invalid_value", f"days is required, from 1 to {MAX_DAYS}"))
    return days
