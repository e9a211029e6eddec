"""Webhook code shared by all CRMs: checking signatures, and managing the subscriptions at an address."""

import hmac
import json
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

from taskhand.domain.webhook import Subscribed, Verdict, WebhookAdmin, WebhookCheck, WebhookRequest, WebhookSubscription

__all__ = ["SignatureCheck", "SubscriptionAdmin", "read_event_objects", "same_text"]

WINDOW: Final = timedelta(minutes=5)
"""Maximum age of a signature, and maximum lead over our clock; HubSpot documents it, Close leaves it to receivers."""
_MAX_DIGITS: Final = 15


class SignatureCheck(WebhookCheck):
    """Checks that deliveries are signed with a shared key, and when.

    `headers` are the names of the headers with the signature and with its time, in `unit`s since 1970.
    """

    headers: ClassVar[tuple[str, str]]
    unit: ClassVar[timedelta]

    @abstractmethod
    def signatures(self, delivery: WebhookRequest, timestamp: str) -> Iterable[str]:
        """The valid signatures of a delivery."""

    def check(self, delivery: WebhookRequest) -> Verdict:
        """The verdict on a delivery: genuine if its signature is valid and was made within `WINDOW` of its arrival."""
        sent, timestamp = (delivery.headers.get(name) for name in self.headers)
        if sent is None or timestamp is None:
            return Verdict("no signature")
        # Compare all of them, so that the time does not depend on which one matches.
        matches = [same_text(sent, signature) for signature in self.signatures(delivery, timestamp)]
        signed_at = _read_moment(timestamp, self.unit)
        if signed_at is None or not any(matches):
            return Verdict("a wrong signature")
        if abs(delivery.at - signed_at) > WINDOW:
            return Verdict("a signature of another time")
        return Verdict(proof=sent, valid_until=signed_at + 2 * WINDOW)


class SubscriptionAdmin(WebhookAdmin):
    """Manages the subscriptions of an account; a subclass lists, creates and deletes them."""

    @abstractmethod
    async def delete(self, subscription_id: str) -> None:
        """DELETE a subscription."""

    async def create(self, url: str, events: Sequence[str]) -> None:
        """POST subscriptions that deliver these events to an address."""
        raise NotImplementedError

    async def find_at(self, url: str) -> list[WebhookSubscription]:
        """The subscriptions that Taskhand made for an address."""
        return [subscription for subscription in await self.list_subscriptions() if subscription.url == url]

    async def remove(self, url: str) -> Sequence[WebhookSubscription]:
        """Delete the subscriptions at an address, and return them."""
        removed = await self.find_at(url)
        for subscription in removed:
            await self.delete(subscription.id)
        return removed

    async def add_missing(
        self, good: Sequence[WebhookSubscription], url: str, wanted_events: Sequence[str]
    ) -> Subscribed:
        """Keep the `good` subscriptions at an address, and create those for wanted events that none of them has."""
        missing = [event for event in wanted_events if not any(event in subscription.events for subscription in good)]
        if not missing:
            return Subscribed(tuple(good), ())
        await self.create(url, missing)
        there = tuple(subscription for subscription in await self.list_subscriptions() if subscription.url == url)
        kept = {subscription.id for subscription in good}
        return Subscribed(there, tuple(subscription for subscription in there if subscription.id not in kept))


def same_text(one: str, other: str) -> bool:
    """Whether two texts are equal; compared in constant time."""
    return hmac.compare_digest(one.encode("utf-8", "surrogateescape"), other.encode("utf-8", "surrogateescape"))


def read_event_objects(body: bytes) -> Iterator[dict[str, Any]]:
    """The objects in a body, which is one JSON object or a list of them; none if it is anything else."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return
    for event in found if isinstance(found, list) else [found]:
        if isinstance(event, dict):
            yield event


def _read_moment(text: str, unit: timedelta) -> datetime | None:
    """The moment of a timestamp, a decimal count of units since 1970; None for any other text."""
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        return None
    try:
        return datetime.fromtimestamp(0, UTC) + int(text) * unit
    except OverflowError:
        return None
