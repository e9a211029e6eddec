"""Find contacts, and deals by the same words."""

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from taskhand.domain.display_text import strip_hidden
from taskhand.domain.errors import CallerError, OperatorError
from taskhand.domain.mail_address import split_address
from taskhand.domain.name_matching import fold, has_words
from taskhand.domain.task import Contact, Deal
from taskhand.domain.truncation import without_cut
from taskhand.service.app_context import AppContext
from taskhand.service.resolve_deal import MAX_DEALS

__all__ = ["FoundContacts", "find_contacts"]

_MIN_QUERY = 2
_ID: Final = re.compile(r"(?=\D*\d)[\w-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class FoundContacts:
    """The results of a query; deals only if tasks can have one."""

    contacts: tuple[Contact, ...]
    deals: tuple[Deal, ...] = ()


async def find_contacts(app: AppContext, query: str, limit: int) -> FoundContacts:
    """At most `limit` contacts by a part of their name, phone or e-mail, deals by a part of theirs; both by id.

    CallerError for a query that is too short.
    """
    address = split_address(query)
    query = address.of if address and "@" in address.of else without_cut(strip_hidden(query)).strip()
    if len(fold(query)) < _MIN_QUERY:
        raise CallerError(
            "query is too short.", code="invalid_query", next_step=f"Send at least {_MIN_QUERY} characters."
        )
    of_id = await _find_by_id(app, query)
    found = await app.backend.account.find_contacts(query, limit)
    contacts = tuple(dict.fromkeys((*of_id.contacts, *found)))
    if "dealId" in app.backend.capabilities.absent:
        return FoundContacts(contacts)
    try:
        deals = await _find_deals(app, query, limit)
    except OperatorError:  # deals have a scope of their own, which the credential may lack
        deals = ()
    return FoundContacts(contacts, tuple(dict.fromkeys((*of_id.deals, *deals))))


async def _find_by_id(app: AppContext, query: str) -> FoundContacts:
    """The contact and deal with the query as id: tasks and answers show links by id."""
    records: list[Contact | Deal] = []
    if app.backend.capabilities.contact_id_pattern is None or _ID.fullmatch(query):
        for field in ("ai_contact_id", "ai_customer_id", "deal_id"):
            if field != "deal_id" or "dealId" not in app.backend.capabilities.absent:
                with suppress(OperatorError):  # each may have a scope of its own
                    records += (await app.backend.account.find_linked(field, [query])).values()
    contacts = tuple(hit for hit in records if isinstance(hit, Contact))
    return FoundContacts(contacts, tuple(hit for hit in records if isinstance(hit, Deal)))


async def _find_deals(app: AppContext, query: str, limit: int) -> tuple[Deal, ...]:
    """The deals whose names have every word of the query; if the CRM finds none, those of the newest deals."""
    found = (await app.backend.account.find_deals(query, limit)).deals
    if deals := tuple(deal for deal in found if has_words(deal.name, query)):
        return deals
    newest = (await app.backend.account.find_deals(None, MAX_DEALS)).deals
    return tuple([deal for deal in newest if has_words(deal.name, query)][:limit])
