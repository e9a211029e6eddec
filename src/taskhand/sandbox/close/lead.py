"""Leads and their contacts: https://developer.close.com/api/resources/leads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.close import task
from taskhand.sandbox.close.dates import format_instant

if TYPE_CHECKING:
    import datetime as dt

    from taskhand.sandbox.close.context import RequestContext

APP = "https://app.close.com/lead"


@dataclass(frozen=True)
class Contact:
    """A person of a lead; the name may be empty."""

    id: str
    lead_id: str
    name: str
    date_created: dt.datetime
    title: str | None = None
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()

    @property
    def display_name(self) -> str:
        """The name, or the first e-mail address or phone number; this fallback is assumed."""
        return next(iter(filter(None, (self.name, *self.emails, *self.phones))), "")


@dataclass(frozen=True)
class Lead:
    """A lead, usually a company."""

    id: str
    name: str
    date_created: dt.datetime
    status_id: str
    description: str = ""
    url: str | None = None


def contacts_of(lead: Lead, ctx: RequestContext) -> list[Contact]:
    """Return the lead's contacts."""
    return [contact for contact in ctx.store.contacts.values() if contact.lead_id == lead.id]


def render_lead(lead: Lead, ctx: RequestContext) -> dict[str, Any]:
    """Write the lead object with its incomplete tasks."""
    open_tasks = [
        open_task
        for open_task in ctx.store.tasks.values()
        if open_task.lead_id == lead.id and not open_task.is_complete
    ]
    return render_lead_without_tasks(lead, ctx) | {
        "tasks": [task.render_task(open_task, ctx) for open_task in open_tasks]
    }


def render_lead_without_tasks(lead: Lead, ctx: RequestContext) -> dict[str, Any]:
    """Write the lead object without `tasks`."""
    contacts = contacts_of(lead, ctx)
    return {
        "id": lead.id,
        "name": lead.name,
        "display_name": lead.name,
        "description": lead.description,
        "url": lead.url,
        "html_url": f"{APP}/{lead.id}/",
        "status_id": lead.status_id,
        "status_label": dict(ctx.store.organization.lead_statuses)[lead.status_id],
        "organization_id": ctx.store.organization.id,
        "contact_ids": [contact.id for contact in contacts],
        "contacts": [render_contact(contact, ctx) for contact in contacts],
        "opportunities": [],
        "addresses": [],
        "integration_links": [],
        **_authorship(lead.date_created, ctx),
        "created_by_name": ctx.store.user_name(ctx.store.key_owner),
        "updated_by_name": ctx.store.user_name(ctx.store.key_owner),
    }


def render_contact(contact: Contact, ctx: RequestContext) -> dict[str, Any]:
    """Write the contact object."""
    return {
        "id": contact.id,
        "organization_id": ctx.store.organization.id,
        "lead_id": contact.lead_id,
        "name": contact.name,
        "display_name": contact.display_name,
        "title": contact.title,
        "emails": [{"type": "office", "email": email, "is_unsubscribed": False} for email in contact.emails],
        "phones": [{"type": "office", "phone": phone, "phone_formatted": phone} for phone in contact.phones],
        "urls": [],
        "integration_links": [],
        **_authorship(contact.date_created, ctx),
    }


def _authorship(made: dt.datetime, ctx: RequestContext) -> dict[str, str]:
    owner, at = ctx.store.key_owner, format_instant(made)
    return {"created_by": owner, "updated_by": owner, "date_created": at, "date_updated": at}
