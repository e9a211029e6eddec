"""What the webhooks of all CRMs share: how a signature is judged, and how subscriptions at an address are kept."""

import hmac
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

from taskhand.domain.webhook import Delivery, Subscribed, Subscription, Verdict

__all__ = ["SignatureCheck", "SubscriptionAdmin", "read_events", "same_text"]

WINDOW: Final = timedelta(minutes=5)
"""How old a signature may be, and how far ahead of our clock: HubSpot documents it, Close leaves it to the receiver."""
_MAX_DIGITS: Final = 15


class SignatureCheck(ABC):
    """Deliveries are genuine that are signed with a shared key, together with the time of the signature.

    `headers` are those of the signature and of its time, which is in `unit`s since 1970.
    """

    headers: ClassVar[tuple[str, str]]
    unit: ClassVar[timedelta]

    @abstractmethod
    def signatures(self, delivery: Delivery, timestamp: str) -> Iterable[str]:
        """The signatures that a genuine delivery may have."""

    def check(self, delivery: Delivery) -> Verdict:
        """Whether a delivery is the CRM's, and was signed not much earlier than it came."""
        sent, timestamp = (delivery.headers.get(name) for name in self.headers)
        if sent is None or timestamp is None:
            return Verdict("no signature")
        matches = [same_text(sent, one) for one in self.signatures(delivery, timestamp)]  # all of them, whichever fits
        signed_at = _read_moment(timestamp, self.unit)
        if signed_at is None or not any(matches):
            return Verdict("a wrong signature")
        if abs(delivery.at - signed_at) > WINDOW:
            return Verdict("a signature of another time")
        return Verdict(proof=sent, valid_until=signed_at + 2 * WINDOW)


class SubscriptionAdmin(ABC):
    """The subscriptions of an account: a subclass says how they are listed, made and deleted."""

    @abstractmethod
    async def list_subscriptions(self) -> tuple[Subscription, ...]:
        """All subscriptions to tasks, wherever they are delivered."""

    @abstractmethod
    async def delete(self, subscription_id: str) -> None:
        """DELETE a subscription."""

    async def create(self, url: str, events: Sequence[str]) -> None:
        """POST what has these events delivered at an address."""
        raise NotImplementedError

    async def find_at(self, url: str) -> list[Subscription]:
        """The subscriptions that Taskhand has made for an address."""
        return [one for one in await self.list_subscriptions() if one.url == url]

    async def remove(self, url: str) -> Sequence[Subscription]:
        """Delete what is delivered at an address; what that was."""
        removed = await self.find_at(url)
        for one in removed:
            await self.delete(one.id)
        return removed

    async def add_missing(self, good: Sequence[Subscription], url: str, wanted: Sequence[str]) -> Subscribed:
        """Keep the good subscriptions at an address, and make those to events that none of them has."""
        missing = [event for event in wanted if not any(event in one.events for one in good)]
        if not missing:
            return Subscribed(tuple(good), ())
        await self.create(url, missing)
        there = tuple(one for one in await self.list_subscriptions() if one.url == url)
        return Subscribed(there, tuple(one for one in there if one.id not in {kept.id for kept in good}))


def same_text(one: str, other: str) -> bool:
    """Whether two texts are the same, in a time that does not depend on where they differ."""
    return hmac.compare_digest(one.encode("utf-8", "surrogateescape"), other.encode("utf-8", "surrogateescape"))


def read_events(body: bytes) -> Iterator[dict[str, Any]]:
    """The objects in a body: that which it is, or those in the list that it is; none where it is anything else."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return
    for one in found if isinstance(found, list) else [found]:
        if isinstance(one, dict):
            yield one


def _read_moment(text: str, unit: timedelta) -> datetime | None:
    """The moment of a timestamp: so many units since 1970, in decimal digits; None for any other text."""
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        return None
    try:
        return datetime.fromtimestamp(0, UTC) + int(text) * unit
    except OverflowError:
        return None
