"""Webhooks of Close: https://developer.close.com/api/resources/webhooks."""

import hmac
from datetime import timedelta
from hashlib import sha256
from typing import Final

from taskhand.backends.remote.parsing import JsonObject, filled_text, id_of, objects, rows_in, text_or_none
from taskhand.backends.remote.webhooks import SignatureCheck, SubscriptionAdmin, read_event_objects
from taskhand.domain.errors import OperatorError
from taskhand.domain.webhook import Subscribed, WebhookRequest, WebhookSubscription
from taskhand.http.client import Client
from taskhand.http.url_path import Path

__all__ = ["CloseWebhookAdmin", "CloseWebhookCheck"]

_HOOKS: Final = Path.of("/webhook/")
_ACTIONS: Final = ("created", "updated", "deleted", "completed")
_KEY_BYTES: Final = 32
_PAGE: Final = 100
_TYPE: Final = "task"


class CloseWebhookCheck(SignatureCheck):
    """Checks the signature of a delivery: an HMAC with the key of its subscription, in hexadecimal digits.

    A signature may come again, because Close repeats a delivery without a response. Deliveries come in any order.
    """

    headers = ("close-sig-hash", "close-sig-timestamp")
    unit = timedelta(seconds=1)

    def __init__(self, key: str, variable: str) -> None:
        """OperatorError if `key`, the value of the setting `variable`, is not a signature key."""
        try:
            self._key = bytes.fromhex(key)
        except ValueError:
            self._key = b""
        if len(self._key) < _KEY_BYTES:
            raise OperatorError(
                f"{variable} is not the signature key of a Close webhook, which has 64 hexadecimal digits.",
                next_step="Run `taskhand webhooks create`; it gets a key and stores it.",
            )

    def signatures(self, delivery: WebhookRequest, timestamp: str) -> tuple[str]:
        """The expected signature, over the timestamp and the raw body."""
        signed = timestamp.encode("utf-8", "surrogateescape") + delivery.body
        return (hmac.new(self._key, signed, sha256).hexdigest(),)

    def find_tasks(self, body: bytes) -> tuple[str, ...]:
        """The id of the task of its one event; empty if the event is about another object."""
        events = objects([delivery.get("event") for delivery in read_event_objects(body)])
        ids = [filled_text(event.get("object_id")) for event in events if _is_of_task(event.get("object_type"))]
        return tuple(filter(None, ids))


class CloseWebhookAdmin(SubscriptionAdmin):
    """Manages one subscription to to-dos, the only type with known events; looks find changes of the other types."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._events = [{"object_type": f"{_TYPE}.lead", "action": action} for action in _ACTIONS]

    async def list_subscriptions(self) -> tuple[WebhookSubscription, ...]:
        """All subscriptions with events of tasks."""
        subscriptions = map(_subscription, await self._rows())
        return tuple(subscription for subscription in subscriptions if any(map(_is_of_task, subscription.events)))

    async def delete(self, subscription_id: str) -> None:
        """DELETE /webhook/{id}/."""
        await self._client.delete(_hook(subscription_id), expect="nothing")

    async def subscribe(self, url: str, key: str | None, *, replaces: bool) -> Subscribed:  # noqa: ARG002  Close allows 40 subscriptions
        """Create the subscription at this address, or update it if its events or status differ.

        Close may show the key only in the response to a creation. A subscription with an unknown key is deleted and
        created again. OperatorError if Close shows no key.
        """
        mine = [row for row in await self._rows() if row.get("url") == url]
        kept = next((row for row in mine if _key_in(row) or key), None)
        for row in mine:
            if row is not kept:
                await self.delete(id_of(row))
        if kept is not None and self._is_as_wanted(kept):
            return Subscribed((_subscription(kept),), (), _key_in(kept) or key)
        body: JsonObject = {"events": self._events}
        if kept is not None:
            body["status"] = "active"
            made = (await self._client.put(_hook(id_of(kept)), json=body, expect="object")).object
            key = _key_in(kept) or key
        else:
            body |= {"url": url, "verify_ssl": True}
            made = (await self._client.post(_HOOKS, json=body, expect="object")).object
            key = _key_in(made)
        if not key:
            raise OperatorError(
                "Close created the subscription but did not return its signature key.",
                next_step="Run `taskhand webhooks remove`, then `taskhand webhooks create` again.",
            )
        return Subscribed((_subscription(made),), (_subscription(made),), key)

    async def _rows(self) -> list[JsonObject]:
        reply = await self._client.get(_HOOKS, params={"_limit": str(_PAGE)}, expect="object")
        return rows_in("Close", reply.object, "data")

    def _is_as_wanted(self, row: JsonObject) -> bool:
        there = {_pair(event_row) for event_row in objects(row.get("events")) if event_row.get("extra_filter") is None}
        return row.get("status") == "active" and {_pair(event) for event in self._events} <= there


def _subscription(row: JsonObject) -> WebhookSubscription:
    events = tuple(".".join(_pair(event_row)) for event_row in objects(row.get("events")))
    return WebhookSubscription(id_of(row), text_or_none(row.get("url")) or "", events, row.get("status") == "active")


def _key_in(row: JsonObject) -> str | None:
    return text_or_none(row.get("signature_key"))


def _pair(event: JsonObject) -> tuple[str, str]:
    return str(event.get("object_type")), str(event.get("action"))


def _is_of_task(object_type: object) -> bool:
    return isinstance(object_type, str) and object_type.partition(".")[0] == _TYPE


def _hook(hook_id: str) -> Path:
    return Path.of("/webhook/{id}/", id=hook_id)
