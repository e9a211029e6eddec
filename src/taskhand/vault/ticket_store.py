"""The protocol of a store of tickets."""

from datetime import datetime
from typing import Protocol

from taskhand.vault.cipher import Sealed
from taskhand.vault.ticket import Ticket

__all__ = ["TicketStore"]


class TicketStore(Protocol):
    """Keeps tickets for several processes: what one has written, the next read of any other sees.

    Every method raises OperatorError if the tickets cannot be read or written.
    """

    async def add(self, ticket: Ticket, *, most: int, forget_before: datetime) -> None:
        """Keep a new ticket; of those of its person and connection that are not used, the `most` newest.

        Those that expired before `forget_before` are removed.
        """
        ...

    async def find(self, ticket_id: str) -> Ticket | None:
        """The ticket with this id."""
        ...

    async def begin(self, begun: Ticket, now: datetime, *, most: int) -> bool:
        """Count a try of the browser of a ticket, for which alone it is from now on, with its mark if it is the first.

        False, and nothing is done, if it is not open, another browser has it, or there were `most` tries.
        """
        ...

    async def turn_away(self, hashed: str, browser: str, now: datetime) -> None:
        """Note that a browser came with the id or the state of a ticket that another browser has begun."""
        ...

    async def note_refusal(self, ticket_id: str, reason: str) -> None:
        """Note why the page has refused the last try; the next one that is counted takes it away."""
        ...

    async def send(self, ticket_id: str, browser: str, state: str, sealed: Sealed) -> bool:
        """Keep what a browser is sent away with, in the place of what it was sent with before; False as `begin`."""
        ...

    async def take(self, state: str, browser: str) -> tuple[Ticket, Sealed] | None:
        """What the browser was sent away with, once; None if this browser has no such state."""
        ...

    async def prove(self, proved: Ticket, now: datetime) -> bool:
        """Keep the e-mail, `proved_at` and mark of a ticket whose browser has proved it; False as `begin`.

        What was proved before stays.
        """
        ...

    async def use(self, ticket_id: str, browser: str, now: datetime) -> bool:
        """Let the ticket open nothing more; False as `begin`: one of several is told True."""
        ...

    async def note_linked(self, ticket_id: str, now: datetime) -> None:
        """Note that the person has linked by a ticket that was used."""
        ...

    async def aclose(self) -> None:
        """Close the store after what is under way."""
        ...
