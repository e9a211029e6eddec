"""The search for HubSpot's contacts: by their names or by their companies', and among the newest if none is found."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from taskhand.backends.hubspot.client import MAX_INPUTS, HubSpotClient
from taskhand.backends.hubspot.mapping import Record, id_text, records_in
from taskhand.backends.remote.parsing import filled_text, full_name
from taskhand.domain.errors import CallerError, OperatorError
from taskhand.domain.name_matching import has_words
from taskhand.domain.task import Contact

__all__ = ["company_of", "contact_of", "find_contacts", "with_companies"]

_MAX_NEWEST: Final = 200
"""Contacts, or companies, changed last that Taskhand matches itself; HubSpot's page has no more."""


async def find_contacts(client: HubSpotClient, query: str, limit: int) -> tuple[Contact, ...]:
    """Contacts by their name or their company's, with the company's name; then companies without such a contact.

    If HubSpot finds none, Taskhand matches the contacts and companies changed last: HubSpot compares letters as they
    are written, hidden characters included.
    """
    contacts = await _contacts(client, query, limit)
    if not contacts:
        newest = await _contacts(client, None, _MAX_NEWEST)
        contacts = [contact for contact in newest if has_words(contact.words, query)][:limit]
    return await with_companies(client, contacts)


async def _contacts(client: HubSpotClient, query: str | None, limit: int) -> list[Contact]:
    contacts = [contact_of(record) for record in records_in(await client.find("contacts", query, limit))]
    if len(contacts) < limit or query is None:
        theirs = {contact.customer_id for contact in contacts}
        companies = map(company_of, records_in(await client.find("companies", query, limit)))
        others = [company for company in companies if company.customer_id not in theirs]
        contacts += others if query is None else await _with_people(client, others, limit - len(contacts))
    return contacts if query is None else contacts[:limit]


async def _with_people(client: HubSpotClient, companies: Sequence[Contact], limit: int) -> list[Contact]:
    """The contacts of the companies that were found by name, then the companies without contacts."""
    ids = [company.customer_id for company in companies if company.customer_id][:MAX_INPUTS]
    people = list(map(contact_of, records_in(await client.contacts_of(ids, limit)))) if ids else []
    names = {company.customer_id: company.customer_name for company in companies}
    theirs = {person.customer_id for person in people}
    named = [person.model_copy(update={"customer_name": names.get(person.customer_id)}) for person in people]
    return [*named, *(company for company in companies if company.customer_id not in theirs)]


async def with_companies(client: HubSpotClient, contacts: Sequence[Contact]) -> tuple[Contact, ...]:
    """The contacts with the names of their companies, read in one request; without names if that fails."""
    names = {contact.customer_id: contact.customer_name for contact in contacts if contact.customer_name}
    missing = sorted(
        {contact.customer_id for contact in contacts if contact.customer_id and contact.customer_id not in names}
    )
    if missing:
        with suppress(OperatorError, CallerError):
            read = map(company_of, records_in(await client.by_id("companies", missing[:MAX_INPUTS])))
            names |= {contact.customer_id: contact.customer_name for contact in read if contact.customer_name}
    return tuple(contact.model_copy(update={"customer_name": names.get(contact.customer_id)}) for contact in contacts)


def contact_of(record: Record) -> Contact:
    """A contact with the id of its company."""
    given = record.properties
    email, phone = filled_text(given.get("email")), filled_text(given.get("phone") or given.get("mobilephone"))
    name = full_name(given, "firstname", "lastname") or email or ""
    company = id_text(given.get("associatedcompanyid"))
    return Contact(id=record.id, name=name, phone=phone, email=email, customer_id=company)


def company_of(record: Record) -> Contact:
    """A company, as a contact with a customer id and no contact id."""
    given = record.properties
    name = filled_text(given.get("name")) or filled_text(given.get("domain")) or ""
    phone = filled_text(given.get("phone"))
    return Contact(id=None, name=name, phone=phone, email=None, customer_id=record.id, customer_name=name or None)
