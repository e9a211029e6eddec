"""Webhooks of a CRM: whether a delivery is genuine, which tasks it is about, and the subscriptions that cause it; pure.

A delivery is a hint that tasks were changed, and no more: the changes are read from the CRM.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

__all__ = ["Delivery", "Subscribed", "Subscription", "Verdict", "WebhookAdmin", "WebhookCheck"]

Flaw = Literal["no signature", "a wrong signature", "a signature of another time", "a wrong secret in the address"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A request to the address of a connection's webhooks, before anything of its body was read.

    `uris` are the addresses that it may have been sent to: as the operator names the server, and as the proxy was
    called. `headers` are by name in lower case. `secret` is what follows the connection in the path. `at` is when it
    came, aware.
    """

    method: str
    uris: tuple[str, ...] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    secret: str = field(repr=False)
    at: datetime


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a delivery is genuine: then it has no `flaw`.

    `proof` is the signature, which nobody but the CRM can make; a delivery with the same one that comes before
    `valid_until` is the same one again. None if there is no such thing.
    """

    flaw: Flaw | None = None
    proof: str | None = field(default=None, repr=False)
    valid_until: datetime | None = None


class WebhookCheck(Protocol):
    """Tells whether a delivery is the CRM's, by a key that it shares with Taskhand.

    `refuses_repeats` is whether the same delivery again is refused as a replay; otherwise it is answered as the first
    one, because the CRM repeats a delivery with the same signature.
    """

    refuses_repeats: bool

    def check(self, delivery: Delivery) -> Verdict:
        """Whether it is genuine; nothing of the body is parsed."""
        ...

    def find_tasks(self, body: bytes) -> tuple[str, ...]:
        """The ids of the tasks that a genuine delivery is about; none if it does not say."""
        ...


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription at the CRM: to which events, and where they are delivered. `is_active` is whether they are now."""

    id: str
    url: str
    events: tuple[str, ...]
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The subscriptions at the CRM after subscribing; `made` are those that are new or were changed.

    `key` is what the deliveries are verified with, if the CRM or Taskhand has made it: it is to be kept.
    """

    subscriptions: tuple[Subscription, ...]
    made: tuple[Subscription, ...]
    key: str | None = field(default=None, repr=False)


class WebhookAdmin(Protocol):
    """The subscriptions of a connection at its CRM; every method raises TaskhandError if it cannot."""

    async def list_subscriptions(self) -> Sequence[Subscription]:
        """All subscriptions to tasks, wherever they are delivered."""
        ...

    async def subscribe(self, url: str, key: str | None, *, replaces: bool) -> Subscribed:
        """Subscribe an address to changes of tasks; existing subscriptions stay.

        `key` is the one that is kept. `replaces` is whether another address may be given up for this one, if the CRM
        has only one.
        """
        ...

    async def remove(self, url: str) -> Sequence[Subscription]:
        """Remove the subscriptions of an address, and return them."""
        ...
