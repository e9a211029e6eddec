"""The endpoints of leads and contacts, to be read and looked up by name (§7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskhand.sandbox.close.errors import absent
from taskhand.sandbox.close.lead import contacts_of, shown, shown_contact
from taskhand.sandbox.close.lead_query import Query
from taskhand.sandbox.close.paging import paged, trimmed

if TYPE_CHECKING:
    from taskhand.sandbox.close.context import Desk
    from taskhand.sandbox.close.lead import Lead


def list_leads(desk: Desk) -> dict[str, Any]:
    """`GET /lead/`: by `query`, deprecated and honoured (§7 [D, L]); the one list with a total (§3 [D])."""
    query = Query.read(desk.params.get("query", ""))
    found = query.arranged([lead for lead in desk.store.leads.values() if query.holds(_words(lead, desk))])
    return paged(found, desk, lambda lead: shown(lead, desk)) | {"total_results": len(found)}


def get_lead(desk: Desk) -> dict[str, Any]:
    """`GET /lead/{id}/` (§7 [D])."""
    lead = desk.store.leads.get(desk.values["id"])
    if lead is None:
        raise absent("Lead")
    return trimmed(shown(lead, desk), desk)


def list_contacts(desk: Desk) -> dict[str, Any]:
    """`GET /contact/`: of a lead, or all (§7 [D])."""
    wanted = desk.params.get("lead_id")
    found = [contact for contact in desk.store.contacts.values() if wanted in {None, contact.lead_id}]
    return paged(found, desk, lambda contact: shown_contact(contact, desk))


def get_contact(desk: Desk) -> dict[str, Any]:
    """`GET /contact/{id}/` (§7 [D])."""
    contact = desk.store.contacts.get(desk.values["id"])
    if contact is None:
        raise absent("Contact")
    return trimmed(shown_contact(contact, desk), desk)


def _words(lead: Lead, desk: Desk) -> dict[str, list[str]]:
    """Give what a query may name (§7: "like the UI"; which names there are is [?])."""
    contacts = contacts_of(lead, desk)
    return {
        "id": [lead.id],
        "name": [lead.name],
        "description": [lead.description],
        "status": [dict(desk.store.organization.lead_statuses)[lead.status_id]],
        "url": [lead.url or ""],
        "contact": [contact.name for contact in contacts],
        "title": [contact.title or "" for contact in contacts],
        "email": [email for contact in contacts for email in contact.emails],
        "phone": [phone for contact in contacts for phone in contact.phones],
    }
