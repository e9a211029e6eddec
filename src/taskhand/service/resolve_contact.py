"""Check the contacts and customers that a filter or a body names."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from taskhand.domain.capabilities import Capabilities
from taskhand.domain.display_text import strip_hidden
from taskhand.domain.errors import CallerError, Candidate, OperatorError
from taskhand.domain.field_names import argument_name
from taskhand.domain.name_matching import fold, has_words, matching
from taskhand.domain.task import Contact
from taskhand.service.app_context import AppContext
from taskhand.service.find_contacts import find_contacts

__all__ = ["check_contact", "resolve_link"]

_MAX_CANDIDATES: Final = 5
_MAX_NAMESAKES: Final = 100
"""Contacts that are searched for one of exactly the given name."""
_MIN_ID: Final = 12
"""Characters of the shortest id with letters; a shorter word with digits may be a name, such as `Studio54`."""
_ID: Final = re.compile(rf"\d+|(?=\D*\d)[\w-]{{{_MIN_ID},}}", re.ASCII)


async def check_contact(app: AppContext, contact: str) -> None:
    """Refuse a contact that is given by name, with the contacts of that name as candidates; CallerError.

    To be called if no task was found. An id is not looked up: a contact without tasks is no error.
    """
    text = contact.strip()
    if _ID.fullmatch(text):
        return
    contacts = await _search(app, text, _MAX_CANDIDATES + 1)
    if not _has_id(contacts or (), text):
        raise _name_error("contact", text, contacts)


async def resolve_link(app: AppContext, field: str, link: str) -> str:
    """The id that was given for the field `ai_contact_id` or `ai_customer_id` of a task; CallerError for a name.

    The candidates are the contacts of that name. An unknown id is not refused. If the backend's ids have no pattern, a
    text that no contact has as id is a name if it has spaces, or if a contact is named so.
    """
    text = strip_hidden(link).strip()
    pattern = _pattern(app.backend.capabilities, field)
    if re.fullmatch(pattern, text) if pattern else _ID.fullmatch(text):
        return text
    contacts = await _search(app, text, _MAX_CANDIDATES + 1 if pattern else _MAX_NAMESAKES)
    if pattern is None:
        if _has_id(contacts or (), text):
            return text
        if not re.search(r"\s", text) and not (contacts := _of_name(contacts or (), text)):
            return text
    raise _name_error(argument_name(field), text, contacts, field)


def _pattern(capabilities: Capabilities, field: str) -> str | None:
    return capabilities.contact_id_pattern if field == "ai_contact_id" else capabilities.customer_id_pattern


async def _search(app: AppContext, text: str, limit: int) -> Sequence[Contact] | None:
    """The contacts that a search for the text finds; None if they cannot be searched for it."""
    try:
        return (await find_contacts(app, text, limit)).contacts
    except (CallerError, OperatorError):  # too short to search for; contacts have a scope of their own
        return None


def _has_id(contacts: Sequence[Contact], text: str) -> bool:
    return any(text in (contact.id, contact.customer_id) for contact in contacts)


def _of_name(contacts: Sequence[Contact], text: str) -> Sequence[Contact]:
    """The contacts with exactly this name, e-mail, phone or customer's name."""
    named = {id(match) for match in matching(text, contacts, lambda contact: contact.name)}
    others = fold(text)
    return [
        contact
        for contact in contacts
        if id(contact) in named
        or others in map(fold, filter(None, (contact.email, contact.phone, contact.customer_name)))
    ]


def _name_error(argument: str, text: str, contacts: Sequence[Contact] | None, field: str | None = None) -> CallerError:
    """The error for a name in place of an id.

    `contacts` is what `_search` returned; `field` is the field of the task, None in a filter.
    """
    shown = (contacts or ())[:_MAX_CANDIDATES]
    named = _candidates(shown, field) if field else [*_customers(shown, text), *_candidates(shown, None)]
    candidates = [*{candidate.value: candidate for candidate in named}.values()]
    which = argument if field else "the aiContactId or aiCustomerId"
    step = f"Send {which} {'as' if field else 'that'} find_contacts returns {'it' if field else 'for it'}."
    if candidates:
        doubt = "; ask the person if in doubt" if len(candidates) > 1 else ""
        step = f"Send the value of the candidate that is meant{doubt}."
    if contacts and len(contacts) > _MAX_CANDIDATES:
        step = f"{step} There are more: find_contacts returns all of them."
    is_no_id = "a name" if contacts else "neither an id nor the name of a contact" if contacts == () else "not one"
    return CallerError(
        f"{argument} takes an id, and {text[:60]!r} is {is_no_id}.",
        code="invalid_id",
        candidates=candidates,
        next_step=step,
    )


def _candidates(contacts: Sequence[Contact], field: str | None) -> list[Candidate]:
    """The contacts as candidates for this field; those of the same name with their e-mail, phone or customer."""
    by_value = {value: contact for contact in contacts if (value := _value(contact, field))}
    bearers = Counter(_name(contact, field) for contact in by_value.values())

    def label(contact: Contact) -> str:
        name, other = _name(contact, field), contact.email or contact.phone or contact.customer_name
        return f"{name}, {other}" if bearers[name] > 1 and other else name

    return [Candidate(value, label(contact)) for value, contact in by_value.items()]


def _customers(contacts: Sequence[Contact], text: str) -> list[Candidate]:
    """The customers of these contacts that are named so: a filter by one finds the tasks of all its contacts."""
    customers = {contact.customer_id: contact.customer_name for contact in contacts if contact.customer_name}
    return [
        Candidate(customer_id, name)
        for customer_id, name in customers.items()
        if customer_id and name and has_words(name, text)
    ]


def _value(contact: Contact, field: str | None) -> str | None:
    """The id of the contact for this field; in a filter its own, else that of its customer."""
    if field is None:
        return contact.id or contact.customer_id
    return contact.id if field == "ai_contact_id" else contact.customer_id


def _name(contact: Contact, field: str | None) -> str:
    return (field == "ai_customer_id" and contact.customer_name) or contact.name
