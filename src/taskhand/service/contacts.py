"""Check the contact that a filter names."""

import re
from contextlib import suppress
from typing import Final

from taskhand.domain.errors import CallerError, Candidate, OperatorError
from taskhand.domain.task import Contact
from taskhand.service.app_context import AppContext
from taskhand.service.find_contacts import find_contacts

__all__ = ["check_contact"]

_MAX_CANDIDATES: Final = 5
_MIN_ID: Final = 12
"""Characters of the shortest id with letters; a shorter word with digits may be a name, such as `Studio54`."""
_ID: Final = re.compile(rf"\d+|(?=\D*\d)[\w-]{{{_MIN_ID},}}", re.ASCII)


async def check_contact(app: AppContext, given: str) -> None:
    """Refuse a contact that is given by name, with the contacts of that name as candidates; CallerError.

    To be called if no task was found. An id is not looked up: a contact without tasks is no error.
    """
    text = given.strip()
    if _ID.fullmatch(text):
        return
    found: tuple[Contact, ...] = ()
    with suppress(CallerError, OperatorError):  # too short to search for; contacts have a scope of their own
        found = (await find_contacts(app, text, _MAX_CANDIDATES + 1)).contacts
    if any(text in (one.id, one.customer_id) for one in found):
        return
    candidates = [one for contact in found[:_MAX_CANDIDATES] if (one := _candidate(contact)) is not None]
    step = "Send the aiContactId or aiCustomerId that find_contacts returns for it."
    if candidates:
        step = "Send the value of the candidate that is meant."
    if len(found) > _MAX_CANDIDATES:
        step = f"{step} There are more: find_contacts returns all of them."
    raise CallerError(
        f"contact takes an id, and {text[:60]!r} is a name{'' if found else ' that no contact has'}.",
        code="invalid_id",
        candidates=candidates,
        next_step=step,
    )


def _candidate(contact: Contact) -> Candidate | None:
    """The contact by its id, else by that of its customer."""
    value = contact.id or contact.customer_id
    return Candidate(value, contact.name) if value else None
