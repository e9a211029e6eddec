"""Finding leads and their contacts: what Close is asked, and what of its answer was meant; pure.

Source: https://developer.close.com/api/advanced-filtering/search. A lead is the contract's customer; a lead that has
no contact of its own is answered with an empty contact id.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from taskhand.domain.names import fold
from taskhand.domain.task import Contact

__all__ = ["contacts_of", "search_body"]

_FIELDS: Final = ("id", "display_name", "contacts")
_FEWEST_DIGITS: Final = 4


def search_body(query: str, limit: int) -> dict[str, Any]:
    """A search for leads that have every word somewhere, their contacts included; a phone number by its digits too."""
    ways = [_all_of(query.split())]
    if digits := _digits(query):
        ways.append(_all_of([digits]))
    lead = {"type": "object_type", "object_type": "lead"}
    return {
        "query": {"type": "and", "queries": [lead, {"type": "or", "queries": ways}]},
        "_fields": {"lead": list(_FIELDS)},
        "_limit": limit,
    }


def _all_of(words: Sequence[str]) -> dict[str, Any]:
    texts = [{"type": "text", "value": word, "mode": "full_words"} for word in words]
    return texts[0] if len(texts) == 1 else {"type": "and", "queries": texts}


def contacts_of(lead: Mapping[str, Any], query: str) -> list[Contact]:
    """The contacts of a lead that the query means: by their own words, else together with the lead's name.

    The lead stands for itself where it has no contact and its name is meant.
    """
    lead_id, name = lead.get("id"), _text(lead.get("display_name") or lead.get("name")) or ""
    if not isinstance(lead_id, str) or not lead_id:
        return []
    rows = lead.get("contacts")
    contacts = [_contact(row, lead_id) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    if not contacts:
        contacts = [(Contact(id=None, name=name, phone=None, email=None, customer_id=lead_id), "")]
    by_themselves = [contact for contact, words in contacts if words and _answers(query, words)]
    return by_themselves or [contact for contact, words in contacts if _answers(query, f"{name} {words}")]


def _contact(row: Mapping[str, Any], lead_id: str) -> tuple[Contact, str]:
    """A contact, and all the words that it can be found by."""
    phones, emails = _values(row, "phones", "phone"), _values(row, "emails", "email")
    contact = Contact(
        id=_text(row.get("id")),
        name=_text(row.get("display_name") or row.get("name")) or "",
        phone=phones[0] if phones else None,
        email=emails[0] if emails else None,
        customer_id=lead_id,
    )
    return contact, " ".join([contact.name, _text(row.get("name")) or "", *emails, *phones])


def _values(row: Mapping[str, Any], many: str, one: str) -> list[str]:
    entries = row.get(many)
    found = [entry.get(one) for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    return [value for value in found if isinstance(value, str) and value]


def _answers(query: str, words: str) -> bool:
    """Whether every word asked for is in there, or the digits of a phone number are."""
    digits = _digits(query)
    folded = fold(words)
    return all(word in folded for word in fold(query).split()) or bool(
        digits and digits in "".join(filter(str.isdigit, words))
    )


def _digits(query: str) -> str | None:
    """The digits of a query that is a phone number, or the most of one."""
    digits = "".join(filter(str.isdigit, query))
    return digits if len(digits) >= _FEWEST_DIGITS and len(digits) > len(query) / 2 else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
