"""An offer to link a credential of one's own: where the person opens the page for it; pure."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from taskhand.domain.principal import Person

__all__ = ["LinkOffer", "LinkOffers"]


@dataclass(frozen=True, slots=True)
class LinkOffer:
    """A page that one person may open once, to link a credential for one connection.

    `id` names the offer to whoever waits for the link, and opens nothing.
    """

    id: str
    connection: str
    url: str = field(repr=False)
    expires_at: datetime


class LinkOffers(Protocol):
    """Makes offers, and knows what became of them."""

    async def offer(self, person: Person, connection: str) -> LinkOffer | None:
        """An offer for this person; None where nobody can link on a page: the connection's CRM or the server has none.

        OperatorError where it cannot be written down.
        """
        ...

    async def is_taken(self, offer_id: str, person: Person) -> bool:
        """Whether this person has linked by the offer."""
        ...
