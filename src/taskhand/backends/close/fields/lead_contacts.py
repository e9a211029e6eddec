"""The contacts of a lead: a task of Close can only have a contact of its own lead."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from taskhand.backends.close.client import CloseClient
from taskhand.backends.close.contact_search import name_of
from taskhand.backends.remote.parsing import JsonObject, id_of, objects, text_or_none
from taskhand.backends.remote.timing import Timing
from taskhand.backends.remote.ttl_cache import TtlCache
from taskhand.domain.errors import CallerError, Candidate, NotFound

__all__ = ["LeadContacts"]

_LEADS_KEPT_S: Final = 60.0
_MAX_LEADS: Final = 3
"""Maximum leads whose contacts are read within `_LEADS_KEPT_S`, to list them as candidates."""


class LeadContacts:
    """Checks that a contact belongs to a lead."""

    def __init__(self, client: CloseClient, timing: Timing) -> None:
        self._client = client
        self._timing = timing
        self._candidates: dict[str, tuple[float, Sequence[Candidate]]] = {}
        self._contacts: TtlCache[str, JsonObject] = TtlCache(_LEADS_KEPT_S, timing.monotonic)

    async def check(self, contact_id: str, lead_id: str | None) -> None:
        """Refuse a contact that does not exist or belongs to another lead.

        CallerError `unknown_reference`, with the lead's own contacts as candidates.
        """
        try:
            contact = await self._contacts.get(contact_id, lambda: self._client.contact(contact_id))
        except NotFound:
            raise NotFound(
                f"There is no contact {contact_id[:60]} in Close.",
                code="unknown_reference",
                next_step="Copy aiContactId exactly from find_contacts.",
            ) from None
        if text_or_none(contact.get("lead_id")) in (None, lead_id):
            return
        people = await self._contacts_of(lead_id) if lead_id else ()
        raise CallerError(
            f"Contact {contact_id[:60]} belongs to another lead, and a task can only have a contact of its own lead.",
            code="unknown_reference",
            candidates=people,
            next_step="Send the id of one candidate as aiContactId."
            if people
            else "Take aiContactId from find_contacts: a contact with the ai_customer_id of the task.",
        )

    async def _contacts_of(self, lead_id: str) -> Sequence[Candidate]:
        """The contacts of a lead; none if those of `_MAX_LEADS` other leads were just read, as in a bulk update."""
        now = self._timing.monotonic()
        self._candidates = {lead: kept for lead, kept in self._candidates.items() if now - kept[0] < _LEADS_KEPT_S}
        if lead_id not in self._candidates and len(self._candidates) < _MAX_LEADS:
            people: list[Candidate] = []
            with suppress(CallerError):
                rows = objects((await self._client.lead(lead_id)).get("contacts"))
                people = [Candidate(id_of(row), name_of(row)) for row in rows if id_of(row)]
            self._candidates[lead_id] = (now, people)
        return self._candidates.get(lead_id, (now, ()))[1]
