"""An offer to link a personal credential: the address of the page that the person opens; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from taskhand.domain.principal import Person

__all__ = ["REFUSALS", "LinkOffer", "LinkOffers", "OfferState"]

REFUSALS: Final[Mapping[str, str]] = {
    "other_member": "On the page the account of somebody else was refused: the person has to use their own.",
    "other_account": "On the page another account was refused: the person has to use their own in {connection}.",
    "taken_member": "On the page an account of another person here was refused: the person has to use their own.",
    "unknown_member": "On the page an account was refused, since nobody can tell whose it is: whoever runs Taskhand "
    "says in people.toml who the person is in {connection}.",
    "other_person": "On the page somebody else has signed in, and was refused: the person has to sign in there.",
    "denied": "On the page the person did not allow access.",
    "app_refused": "On the page the CRM did not allow Taskhand's app: whoever runs Taskhand has to look at it.",
    "forbidden": "On the page an account was refused that may do too little: an administrator can change that.",
}
"""What an agent is told of a refusal that the person has to do something about, by its reason."""


@dataclass(frozen=True, slots=True)
class LinkOffer:
    """A page that one person may open once, to link a credential for one connection.

    `id` names the offer to whoever waits for the link, and opens nothing.
    """

    id: str
    connection: str
    url: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class OfferState:
    """What has become of an offer.

    `is_over` is whether its page can lead no further for whoever opens it now. `refusal` is the reason, one of
    `REFUSALS`, why the page has refused what the person gave last; the person may try again there, as was done `tries`
    times.
    """

    is_linked: bool = False
    is_over: bool = False
    refusal: str | None = None
    tries: int = 0


class LinkOffers(Protocol):
    """Makes offers, and knows what became of them."""

    async def offer(self, person: Person, connection: str) -> LinkOffer | None:
        """An offer for this person; None if nobody can link on a page: the connection's CRM or the server has none.

        OperatorError if it cannot be stored.
        """
        ...

    async def find_state(self, offer_id: str, person: Person) -> OfferState:
        """What has become of an offer for this person; one that is not known is over."""
        ...
