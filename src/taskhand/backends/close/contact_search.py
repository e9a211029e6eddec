"""The search for contacts among Close's leads: by words or by the digits of a phone number, and its limits."""

from collections.abc import Sequence
from typing import Any, Final

from taskhand.backends.close.client import CloseClient
from taskhand.backends.remote.parsing import JsonObject, id_of, objects, text_or_none
from taskhand.domain.errors import CallerError, Candidate, NotFound
from taskhand.domain.name_matching import digits_of, has_words
from taskhand.domain.task import Contact

__all__ = ["ContactSearch", "contact_of", "lead_alone", "name_of"]

_MAX_PAGES: Final = 10
"""Maximum pages of a search, 100 leads each."""
_WHOLE_WORDS: Final = ("full_words",)
_BEGINNINGS: Final = ("full_words", "beginning_of_words")
"""Modes of a text search: `full_words` is documented; `beginning_of_words` is not, but Close's own pages send it."""
_MAX_READS: Final = 25
"""Maximum leads of a search that are read one by one because their rows have no contacts."""


class ContactSearch:
    """Searches the leads of an organization for contacts."""

    def __init__(self, client: CloseClient) -> None:
        self._client = client
        self._text_modes: Sequence[str] = _BEGINNINGS

    async def find(self, query: str, limit: int) -> tuple[Contact, ...]:
        """The contacts whose name, e-mail address, phone number or company matches a query, at most `limit`."""
        if contacts := await self._search(query, limit):
            return contacts
        leads, _ = await self._client.search(_search_body(None), None)
        return tuple([contact for lead in leads for contact in _matching_contacts(lead, query)][:limit])

    async def _search(self, query: str, limit: int) -> tuple[Contact, ...]:
        contacts: list[Contact] = []
        cursor: str | None = None
        reads_left = _MAX_READS
        for _ in range(_MAX_PAGES):
            try:
                leads, cursor = await self._search_page(query, cursor)
            except CallerError:
                if cursor is None:
                    raise
                break  # a cursor expires after half a minute
            for lead in leads:
                has_contacts = isinstance(lead.get("contacts"), list)
                reads_left -= not has_contacts
                if reads_left < 0:
                    raise _too_wide_error(contacts)
                contacts += _matching_contacts(lead if has_contacts else await self._read_lead(lead), query)
                if len(contacts) >= limit:
                    return tuple(contacts[:limit])
            if cursor is None:
                return tuple(contacts)
        raise _too_wide_error(contacts)

    async def _search_page(self, query: str, cursor: str | None) -> tuple[Sequence[JsonObject], str | None]:
        """A page of a search, and the next cursor; if Close refuses `beginning_of_words`, whole words from now on."""
        modes = self._text_modes
        try:
            return await self._client.search(_search_body(query, modes), cursor)
        except CallerError:
            if cursor is not None or modes == _WHOLE_WORDS:
                raise
            page = await self._client.search(_search_body(query, _WHOLE_WORDS), cursor)
            self._text_modes = _WHOLE_WORDS
            return page

    async def _read_lead(self, lead: JsonObject) -> JsonObject:
        """A lead with its contacts; the row of the search if the lead was deleted."""
        try:
            return await self._client.lead(str(lead.get("id")))
        except NotFound:
            return lead


def name_of(row: JsonObject) -> str:
    """The name of a lead or a contact, as Close shows it; empty without one."""
    return text_or_none(row.get("display_name") or row.get("name")) or ""


def _search_body(query: str | None, modes: Sequence[str] = ()) -> dict[str, Any]:
    """The body of a search for leads with every word of `query`, or with its phone number; all leads if it is None.

    Source: https://developer.close.com/api/advanced-filtering/search.
    """
    queries: list[dict[str, Any]] = [{"type": "object_type", "object_type": "lead"}]
    if query is not None:
        phone = _phone_digits(query)
        spellings = [query.split(), *([[phone]] if phone else [])]
        queries.append({"type": "or", "queries": [_has_all(words, modes) for words in spellings]})
    return {
        "query": {"type": "and", "queries": queries},
        "_fields": {"lead": ["id", "display_name", "contacts"]},
        "_limit": 100,
    }


def _has_all(words: Sequence[str], modes: Sequence[str]) -> dict[str, Any]:
    """The condition that a lead has every word, each in one of the `modes`."""
    return _combine_queries(
        "and",
        [_combine_queries("or", [{"type": "text", "value": word, "mode": mode} for mode in modes]) for word in words],
    )


def _combine_queries(kind: str, queries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return queries[0] if len(queries) == 1 else {"type": kind, "queries": queries}


def _matching_contacts(lead: JsonObject, query: str) -> list[Contact]:
    """The contacts of a lead that match by their own words; if none does, those that match with the lead's name."""
    lead_id, lead_name = id_of(lead), name_of(lead)
    if not lead_id:
        return []
    contacts = [contact_of(row, lead_id, lead_name) for row in objects(lead.get("contacts"))]
    if not contacts:
        contacts = [(lead_alone(lead_id, lead_name), "")]
    by_own_words = [contact for contact, words in contacts if words and _matches(query, words)]
    return by_own_words or [contact for contact, words in contacts if _matches(query, f"{lead_name} {words}")]


def lead_alone(lead_id: str, name: str) -> Contact:
    """A contact without an id, for a lead without contacts."""
    return Contact(id=None, name=name, phone=None, email=None, customer_id=lead_id, customer_name=name)


def contact_of(row: JsonObject, lead_id: str, lead_name: str) -> tuple[Contact, str]:
    """A contact of a lead, and the text to match: its names, e-mails and phones."""
    phones = [phone for phone_row in objects(row.get("phones")) if (phone := text_or_none(phone_row.get("phone")))]
    emails = [email for email_row in objects(row.get("emails")) if (email := text_or_none(email_row.get("email")))]
    contact = Contact(
        id=text_or_none(row.get("id")),
        name=name_of(row),
        phone=phones[0] if phones else None,
        email=emails[0] if emails else None,
        customer_id=lead_id,
        customer_name=lead_name or None,
    )
    return contact, " ".join([contact.name, text_or_none(row.get("name")) or "", *emails, *phones])


def _matches(query: str, words: str) -> bool:
    """Whether `words` contain every word of the query, or the digits of its phone number."""
    phone = _phone_digits(query)
    return has_words(words, query) or (phone is not None and phone in digits_of(words))


def _phone_digits(query: str) -> str | None:
    """The digits of a query, if there are at least four and they are more than half of it; else None."""
    digits = digits_of(query)
    return digits if len(digits) >= len("0000") and len(digits) > len(query) / 2 else None


def _too_wide_error(contacts: Sequence[Contact]) -> CallerError:
    return CallerError(
        "Too many leads match this query to read them all.",
        code="query_too_wide",
        candidates=[Candidate(contact.id or contact.customer_id or "", contact.name) for contact in contacts],
        next_step="Send more of the name, an e-mail or a phone number; the candidates are the contacts found so far.",
    )
