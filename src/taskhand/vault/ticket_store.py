"""The protocol of a store of tickets."""

from datetime import datetime
from typing import Protocol

from taskhand.vault.cipher import Sealed
from taskhand.vault.ticket import Ticket

__all__ = ["TicketStore"]


class TicketStore(Protocol):
    """Stores tickets for several processes: a write of one is visible to the next read of any other.

    Every method raises OperatorError if the tickets cannot be read or written.
    """

    async def add(self, ticket: Ticket, *, most: int, forget_before: datetime) -> None:
        """Add a ticket, and keep only the `most` newest unused tickets of its person and connection.

        Tickets that expired before `forget_before` are removed.
        """
        ...

    async def find(self, ticket_id: str) -> Ticket | None:
        """Find the ticket with this id."""
        ...

    async def begin(self, begun: Ticket, now: datetime, *, most: int) -> bool:
        """Count an attempt, and bind the ticket to the browser of the first one, with its HMAC.

        False, without a change, if the ticket is closed, another browser has it, or it has had `most` attempts.
        """
        ...

    async def turn_away(self, hashed: str, browser: str, now: datetime) -> None:
        """Record that a second browser came with the id or the state of a ticket that is bound to another."""
        ...

    async def note_refusal(self, ticket_id: str, reason: str) -> None:
        """Record why the page refused the last attempt; the next counted attempt clears the reason."""
        ...

    async def send(self, ticket_id: str, browser: str, state: str, sealed: Sealed) -> bool:
        """Replace the sealed state of a browser that is redirected; False under the conditions of `begin`."""
        ...

    async def take(self, state: str, browser: str) -> tuple[Ticket, Sealed] | None:
        """Remove and return the sealed state of a redirected browser; None if this browser has no such state."""
        ...

    async def prove(self, proved: Ticket, now: datetime) -> bool:
        """Store the e-mail, `proved_at` and HMAC of a ticket whose browser proved the person; False as in `begin`.

        An earlier proof is kept.
        """
        ...

    async def use(self, ticket_id: str, browser: str, now: datetime) -> bool:
        """Close the ticket; False as in `begin`. One of several concurrent callers gets True."""
        ...

    async def note_linked(self, ticket_id: str, now: datetime) -> None:
        """Record that the person linked by a used ticket."""
        ...

    async def aclose(self) -> None:
        """Close the store after the work in progress."""
        ...
