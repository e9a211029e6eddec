"""Creates the tickets of all persons, finds them by their texts, and closes them."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Final

from taskhand.domain.link_offer import OfferState
from taskhand.domain.principal import Person
from taskhand.vault.cipher import CannotOpen, Cipher
from taskhand.vault.ticket import Errand, Ticket, hash_secret
from taskhand.vault.ticket_store import TicketStore

__all__ = ["Tickets"]

_log = logging.getLogger(__name__)

_LASTS: Final = timedelta(minutes=10)
_KNOWN_FOR: Final = timedelta(days=1)
"""How long an expired ticket is kept, so that its outcome can still be reported."""
_MAX_OPEN: Final = 5
"""Maximum unused tickets of one person for one connection."""
_MAX_TRIES: Final = 10
_BYTES: Final = 32


class Tickets:
    """Creates tickets, each of which one browser can use once. OperatorError if they cannot be read or written."""

    def __init__(
        self,
        store: TicketStore,
        cipher: Cipher,
        clock: Callable[[], datetime],
        new_secret: Callable[[int], str] = token_urlsafe,
    ) -> None:
        """`new_secret` returns the given number of random bytes as URL-safe text."""
        self._store = store
        self._cipher = cipher
        self._clock = clock
        self._new_secret = new_secret

    async def make(self, person: Person, connection: str) -> tuple[str, Ticket]:
        """Create a ticket; return its text, which is not stored, and the ticket."""
        text, now = self._new_secret(_BYTES), self._clock()
        ticket = self._with_hmac(Ticket(hash_secret(text), person, connection, now, now + _LASTS))
        await self._store.add(ticket, most=_MAX_OPEN, forget_before=now - _KNOWN_FOR)
        return text, ticket

    async def find(self, text: str) -> Ticket | None:
        """Find the ticket with this text, open or closed."""
        return await self._find(hash_secret(text))

    async def find_state(self, ticket_id: str, person: Person) -> OfferState:
        """The outcome of a ticket of this person so far; an unknown ticket is over."""
        ticket = await self._find(ticket_id)
        if ticket is None or ticket.person.id != person.id:
            return OfferState(is_over=True)
        is_stuck = ticket.turned_away_at is not None or not self.has_tries(ticket)
        is_over = is_stuck or not self.is_open(ticket)
        return OfferState(ticket.linked_at is not None, is_over, ticket.refusal, ticket.tries)

    def is_open(self, ticket: Ticket) -> bool:
        """Whether the ticket's page can still be used."""
        return ticket.is_open(self._clock())

    def has_tries(self, ticket: Ticket) -> bool:
        """Whether the page accepts another attempt."""
        return ticket.tries < _MAX_TRIES

    async def turn_away(self, text: str, browser: str) -> None:
        """Record that a browser came with the text or state of a ticket that is bound to another browser."""
        await self._store.turn_away(hash_secret(text), browser, self._clock())

    async def note_refusal(self, ticket: Ticket, reason: str) -> None:
        """Record why the page refused the person's input, until the next attempt."""
        await self._store.note_refusal(ticket.id, reason)

    async def begin(self, ticket: Ticket, browser: str) -> bool:
        """Count an attempt, and bind the ticket to the browser of the first one; False if it is refused."""
        begun = self._with_hmac(replace(ticket, browser=browser))
        return await self._store.begin(begun, self._clock(), most=_MAX_TRIES)

    async def send(self, ticket: Ticket, browser: str, errand: Errand) -> str | None:
        """Store the errand of a redirected browser; return the `state` parameter, or None if the browser is refused."""
        state = self._new_secret(_BYTES)
        hashed = hash_secret(state)
        sealed = self._cipher.seal(errand.to_bytes(), _associated_data(ticket.id, hashed))
        return state if await self._store.send(ticket.id, browser, hashed, sealed) else None

    async def take(self, state: str, browser: str) -> tuple[Ticket, Errand] | None:
        """Remove and return the errand with this `state`; None if this browser was not redirected with it."""
        hashed = hash_secret(state)
        found = await self._store.take(hashed, browser)
        if found is None:
            return None
        ticket, sealed = found
        if not self._is_ours(ticket):
            return None
        try:
            return ticket, Errand.of_bytes(self._cipher.open(sealed, _associated_data(ticket.id, hashed)))
        except CannotOpen:
            return None

    async def prove(self, ticket: Ticket, browser: str, email: str | None = None) -> bool:
        """Record that the person proved their identity in this browser; False if the browser is refused.

        `email` is the verified address in the proof. It is ignored if the ticket already has one.
        """
        now, person = self._clock(), replace(ticket.person, email=ticket.person.email or email)
        proved = self._with_hmac(replace(ticket, person=person, browser=browser, proved_at=now))
        return await self._store.prove(proved, now)

    async def use(self, ticket: Ticket, browser: str) -> bool:
        """Close the ticket; one of several concurrent callers gets True."""
        return await self._store.use(ticket.id, browser, self._clock())

    async def note_linked(self, ticket: Ticket) -> None:
        """Record that the person linked by a used ticket."""
        await self._store.note_linked(ticket.id, self._clock())

    async def _find(self, ticket_id: str) -> Ticket | None:
        ticket = await self._store.find(ticket_id)
        return ticket if ticket is not None and self._is_ours(ticket) else None

    def _with_hmac(self, ticket: Ticket) -> Ticket:
        return replace(ticket, bound_hmac=self._cipher.make_hmac(ticket.bound))

    def _is_ours(self, ticket: Ticket) -> bool:
        """Whether the ticket's HMAC is right; a wrong one is logged."""
        is_ours = self._cipher.verify_hmac(ticket.bound, ticket.bound_hmac)
        if not is_ours:
            _log.warning("a page of %s for %s was altered in the store", ticket.person.id, ticket.connection)
        return is_ours

    async def aclose(self) -> None:
        """Close the store after the work in progress."""
        await self._store.aclose()


def _associated_data(ticket_id: str, state: str) -> bytes:
    return f"taskhand ticket {ticket_id} {state}".encode("ascii")
