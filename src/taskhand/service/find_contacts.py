"""Find contacts, and deals by the same words."""

from dataclasses import dataclass

from taskhand.domain.address import split_address
from taskhand.domain.errors import CallerError, OperatorError
from taskhand.domain.names import fold, has_words
from taskhand.domain.task import Contact, Deal
from taskhand.domain.text import strip_hidden, without_cut
from taskhand.service.app_context import AppContext
from taskhand.service.deals import MOST_DEALS

__all__ = ["FoundContacts", "find_contacts"]

_SHORTEST_QUERY = 2


@dataclass(frozen=True, slots=True)
class FoundContacts:
    """What a query found; deals only where tasks have these."""

    contacts: tuple[Contact, ...]
    deals: tuple[Deal, ...] = ()


async def find_contacts(app: AppContext, query: str, limit: int) -> FoundContacts:
    """At most `limit` contacts by a part of their name, phone or e-mail, and deals by a part of theirs.

    CallerError for a query that is too short.
    """
    address = split_address(query)
    query = address.of if address and "@" in address.of else without_cut(strip_hidden(query)).strip()
    if len(fold(query)) < _SHORTEST_QUERY:
        raise CallerError(
            "query is too short.", code="invalid_query", next_step=f"Send at least {_SHORTEST_QUERY} characters."
        )
    contacts = await app.backend.find_contacts(query, limit)
    if "dealId" in app.backend.capabilities.absent:
        return FoundContacts(contacts)
    try:
        deals = await _find_deals(app, query, limit)
    except OperatorError:  # deals have a scope of their own, which the credential may lack
        deals = ()
    return FoundContacts(contacts, deals)


async def _find_deals(app: AppContext, query: str, limit: int) -> tuple[Deal, ...]:
    """The deals whose names have every word of the query; where the CRM finds none, those of the newest deals."""
    found = (await app.backend.find_deals(query, limit)).deals
    if deals := tuple(one for one in found if has_words(one.name, query)):
        return deals
    newest = (await app.backend.find_deals(None, MOST_DEALS)).deals
    return tuple([one for one in newest if has_words(one.name, query)][:limit])
