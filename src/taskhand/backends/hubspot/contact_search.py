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

__all__ = ["ContactSearch", "company_of", "contact_of"]

_MAX_NEWEST: Final = 200
"""Contacts, or companies, changed last that Taskhand matches itself; HubSpot's page has no more."""


class ContactSearch:
    """Searches an account for contacts and companies."""

    def __init__(self, client: HubSpotClient) -> None:
        self._client = client

    async def find(self, query: str, limit: int) -> tuple[Contact, ...]:
        """Do the same as `Account.find_contacts`."""
        found = await self._contacts(query, limit)
        if not found:
            newest = await self._contacts(None, _MAX_NEWEST)
            found = tuple([one for one in newest if has_words(one.words, query)][:limit])
        return await self.with_companies(found)

    async def _contacts(self, query: str | None, limit: int) -> tuple[Contact, ...]:
        found = [contact_of(one) for one in records_in(await self._client.find("contacts", query, limit))]
        if len(found) < limit or query is None:
            theirs = {one.customer_id for one in found}
            companies = map(company_of, records_in(await self._client.find("companies", query, limit)))
            others = [one for one in companies if one.customer_id not in theirs]
            found += others if query is None else await self._with_people(others, limit - len(found))
        return tuple(found if query is None else found[:limit])

    async def _with_people(self, companies: Sequence[Contact], limit: int) -> list[Contact]:
        """The contacts of the companies that were found by name, then the companies without contacts."""
        ids = [one.customer_id for one in companies if one.customer_id][:MAX_INPUTS]
        people = list(map(contact_of, records_in(await self._client.contacts_of(ids, limit)))) if ids else []
        names = {one.customer_id: one.customer_name for one in companies}
        theirs = {one.customer_id for one in people}
        named = [one.model_copy(update={"customer_name": names.get(one.customer_id)}) for one in people]
        return [*named, *(one for one in companies if one.customer_id not in theirs)]

    async def with_companies(self, found: tuple[Contact, ...]) -> tuple[Contact, ...]:
        """The contacts with the names of their companies, read in one request; without names if that fails."""
        names: dict[str | None, str | None] = {one.customer_id: one.customer_name for one in found if one.customer_name}
        missing = sorted({one.customer_id for one in found if one.customer_id and one.customer_id not in names})
        if missing:
            with suppress(OperatorError, CallerError):
                read = map(company_of, records_in(await self._client.by_id("companies", missing[:MAX_INPUTS])))
                names |= {one.customer_id: one.customer_name for one in read}
        return tuple(one.model_copy(update={"customer_name": names.get(one.customer_id)}) for one in found)


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
