"""A contact: one person on one channel."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.vambe.dates import format_instant

if TYPE_CHECKING:
    import datetime as dt

    from taskhand.sandbox.vambe.spec_variant import SpecVariant

OPAQUE = "contact-"  # the documented sample of a task has the id `contact-uuid-123`


@dataclass(frozen=True)
class Contact:
    """One contact, with the documented fields of the search; several may share an `ai_customer_id`."""

    id: str
    name: str
    created_at: dt.datetime
    last_message_at: dt.datetime
    phone: str | None = None
    email: str | None = None
    platform: str = "whatsapp"
    chat_status: str = "ATTENDED"
    client_id: str | None = None
    ai_customer_id: str | None = None
    default_stage_id: str | None = None

    def matches(self, phone: str | None, email: str | None) -> bool:
        """Whether the contact has the phone's digits and the e-mail address, in any case; None matches everything."""
        fits_phone = not phone or digits(phone) in digits(self.phone or "")
        return fits_phone and (not email or email.casefold() in (self.email or "").casefold())


def digits(phone: str) -> str:
    """Return the digits of a phone number."""
    return re.sub(r"\D", "", phone)


def render_contact(contact: Contact, spec_variant: SpecVariant) -> dict[str, Any]:
    """Write the object that the search endpoint documents."""
    return asdict(contact) | {
        "id": render_contact_id(contact.id, spec_variant),
        "created_at": format_instant(contact.created_at),
        "last_message_at": format_instant(contact.last_message_at),
    }


def render_contact_id(contact_id: str | None, spec_variant: SpecVariant) -> str | None:
    """Write a contact's id as a UUID or, in the other spec variant, as an opaque word; None stays None."""
    if contact_id is None or spec_variant.contact_ids == "uuid":
        return contact_id
    return OPAQUE + contact_id.replace("-", "")


def has_id(contact: Contact, sent: str, spec_variant: SpecVariant) -> bool:
    """Whether `sent` is the contact's id in the form of this spec variant."""
    return sent.lower() == render_contact_id(contact.id, spec_variant)
