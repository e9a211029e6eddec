"""The endpoints of leads and contacts, to be read and looked up by name (§7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskhand.sandbox.close.errors import absent
from taskhand.sandbox.close.lead import contacts_of, shown, shown_contact
from taskhand.sandbox.close.lead_query import Query
from taskhand.sandbox.close.paging import paged, trimmed

if TYPE_CHECKING:
    from taskhand.sandbox.close.context import RequestContext
    from taskhand.sandbox.close.lead import Lead


def list_leads(ctx: RequestContext) -> dict[str, Any]:
    """`GET /lead/`: by `query`, deprecated and honoured (§7 [D, L]); the one list with a total (§3 [D])."""
    query = Query.read(ctx.params.get("query", ""))
    found = query.arranged([lead for lead in ctx.store.leads.values() if query.holds(_words(lead, ctx))])
    return paged(found, ctx, lambda lead: shown(lead, ctx)) | {"total_results": len(found)}


def get_lead(ctx: RequestContext) -> dict[str, Any]:
    """`GET /lead/{id}/` (§7 [D])."""
    lead = ctx.store.leads.get(ctx.values["id"])
    if lead is None:
        raise absent("Lead")
    return trimmed(shown(lead, ctx), ctx)


def list_contacts(ctx: RequestContext) -> dict[str, Any]:
    """`GET /contact/`: of a lead, or all (§7 [D])."""
    wanted = ctx.params.get("lead_id")
    found = [contact for contact in ctx.store.contacts.values() if wanted in {None, contact.lead_id}]
    return paged(found, ctx, lambda contact: shown_contact(contact, ctx))


def get_contact(ctx: RequestContext) -> dict[str, Any]:
    """`GET /contact/{id}/` (§7 [D])."""
    contact = ctx.store.contacts.get(ctx.values["id"])
    if contact is None:
        raise absent("Contact")
    return trimmed(shown_contact(contact, ctx), ctx)


def _words(lead: Lead, ctx: RequestContext) -> dict[str, list[str]]:
    """Give what a query may name (§7: "like the UI"; which names there are is [?])."""
    contacts = contacts_of(lead, ctx)
    return {
        "id": [lead.id],
        "name": [lead.name],
        "description": [lead.description],
        "status": [dict(ctx.store.organization.lead_statuses)[lead.status_id]],
        "url": [lead.url or ""],
        "contact": [contact.name for contact in contacts],
        "title": [contact.title or "" for contact in contacts],
        "email": [email for contact in contacts for email in contact.emails],
        "phone": [phone for contact in contacts for phone in contact.phones],
    }
