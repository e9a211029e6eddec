"""Webhooks of a CRM: whether a delivery is genuine, which tasks it is about, and the subscriptions that cause it; pure.

A delivery is only a hint that tasks were changed: the changes are read from the CRM.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

__all__ = ["Subscribed", "Verdict", "WebhookAdmin", "WebhookCheck", "WebhookRequest", "WebhookSubscription"]

Flaw = Literal["no signature", "a wrong signature", "a signature of another time", "a wrong secret in the address"]


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """A request to the address of a connection's webhooks, before anything of its body was read.

    `uris` are the addresses that it may have been sent to: the configured one, and the one that the proxy reports.
    `headers` are by name in lower case. `secret` is the part of the path after the connection. `at` is the aware time
    of its arrival.
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

    `proof` is the signature, which only the CRM can make; another delivery with the same proof before `valid_until` is
    a repetition. None if deliveries are not signed.
    """

    flaw: Flaw | None = None
    proof: str | None = field(default=None, repr=False)
    valid_until: datetime | None = None


class WebhookCheck(Protocol):
    """Checks that a delivery is genuine, with a key that the CRM and Taskhand share.

    `refuses_repeats` is whether the same delivery again is refused as a replay; otherwise it is answered as the first
    one, because the CRM repeats a delivery with the same signature.
    """

    refuses_repeats: bool = False

    def check(self, delivery: WebhookRequest) -> Verdict:
        """Whether it is genuine; nothing of the body is parsed."""
        ...

    def find_tasks(self, body: bytes) -> tuple[str, ...]:
        """The ids of the tasks in a genuine delivery; none if it names none."""
        ...


@dataclass(frozen=True, slots=True)
class WebhookSubscription:
    """A subscription at the CRM: its events, its address, and whether it is active."""

    id: str
    url: str
    events: tuple[str, ...]
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The subscriptions at the CRM after subscribing; `made` are those that are new or were changed.

    `key` verifies the deliveries; it is set if the CRM or Taskhand has just made it, and has to be stored.
    """

    subscriptions: tuple[WebhookSubscription, ...]
    made: tuple[WebhookSubscription, ...]
    key: str | None = field(default=None, repr=False)


class WebhookAdmin(Protocol):
    """The subscriptions of a connection at its CRM; every method raises TaskhandError if it cannot."""

    async def list_subscriptions(self) -> Sequence[WebhookSubscription]:
        """All subscriptions to tasks, wherever they are delivered."""
        ...

    async def subscribe(self, url: str, key: str | None, *, replaces: bool) -> Subscribed:
        """Subscribe an address to changes of tasks; existing subscriptions stay.

        `key` is the stored one. `replaces` is whether this address may replace another one, if the CRM has only one.
        """
        ...

    async def remove(self, url: str) -> Sequence[WebhookSubscription]:
        """Remove the subscriptions of an address, and return them."""
        ...
