"""An offer to link a personal credential: the address of the page that the person opens; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from taskhand.domain.principal import Person

__all__ = ["REFUSALS", "LinkOffer", "LinkOffers", "OfferState"]

REFUSALS: Final[Mapping[str, str]] = {
    "other_member": "The page refused another person's account: the person has to use their own.",
    "other_account": "The page refused another CRM account: the person has to use their own in {connection}.",
    "taken_member": "The page refused an account that is assigned to another person: the person has to use their own.",
    "unknown_member": "The page refused an account of an unknown owner: the operator of Taskhand has to enter the "
    "person's member of {connection} in people.toml.",
    "other_person": "Another person signed in on the page and was refused: the person has to sign in there.",
    "denied": "The person did not allow access on the page.",
    "app_refused": "The CRM refused Taskhand's app on the page: the operator of Taskhand has to check it.",
    "forbidden": "The page refused an account that lacks rights: an administrator can change that.",
}
"""The message to an agent about a refusal that the person can resolve, by its reason."""


@dataclass(frozen=True, slots=True)
class LinkOffer:
    """A page that one person may open once, to link a credential for one connection.

    `id` identifies the offer to calls that wait for the link; it does not open the page.
    """

    id: str
    connection: str
    url: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class OfferState:
    """The state of an offer.

    `is_over` is whether its page cannot be used any more. `refusal` is the reason, one of `REFUSALS`, why the page
    refused the person's last credential; the person may try again there. `tries` is the number of refused tries.
    """

    is_linked: bool = False
    is_over: bool = False
    refusal: str | None = None
    tries: int = 0


class LinkOffers(Protocol):
    """Makes offers, and reads their state."""

    async def offer(self, person: Person, connection: str) -> LinkOffer | None:
        """An offer for this person; None if the connection's CRM or the server has no page for links.

        OperatorError if it cannot be stored.
        """
        ...

    async def find_state(self, offer_id: str, person: Person) -> OfferState:
        """The state of an offer for this person; an unknown offer is over."""
        ...
