"""The read endpoints of leads and contacts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskhand.sandbox.close.errors import not_found
from taskhand.sandbox.close.lead import contacts_of, render_contact, render_lead
from taskhand.sandbox.close.lead_query import LeadQuery
from taskhand.sandbox.close.paging import render_page, select_fields

if TYPE_CHECKING:
    from taskhand.sandbox.close.context import RequestContext
    from taskhand.sandbox.close.lead import Lead


def list_leads(ctx: RequestContext) -> dict[str, Any]:
    """`GET /lead/`: filtered by the deprecated `query`; the only list with a total."""
    query = LeadQuery.read(ctx.params.get("query", ""))
    found = query.sort_leads([lead for lead in ctx.store.leads.values() if query.matches(_texts(lead, ctx))])
    return render_page(found, ctx, lambda lead: render_lead(lead, ctx)) | {"total_results": len(found)}


def get_lead(ctx: RequestContext) -> dict[str, Any]:
    """`GET /lead/{id}/`."""
    lead = ctx.store.leads.get(ctx.values["id"])
    if lead is None:
        raise not_found("Lead")
    return select_fields(render_lead(lead, ctx), ctx)


def list_contacts(ctx: RequestContext) -> dict[str, Any]:
    """`GET /contact/`: all contacts, or those of `lead_id`."""
    wanted = ctx.params.get("lead_id")
    found = [contact for contact in ctx.store.contacts.values() if wanted in {None, contact.lead_id}]
    return render_page(found, ctx, lambda contact: render_contact(contact, ctx))


def get_contact(ctx: RequestContext) -> dict[str, Any]:
    """`GET /contact/{id}/`."""
    contact = ctx.store.contacts.get(ctx.values["id"])
    if contact is None:
        raise not_found("Contact")
    return select_fields(render_contact(contact, ctx), ctx)


def _texts(lead: Lead, ctx: RequestContext) -> dict[str, list[str]]:
    """Return the texts that a query searches, by field; the documentation names no fields."""
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
