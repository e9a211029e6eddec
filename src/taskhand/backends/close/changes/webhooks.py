"""Webhooks of Close: https://developer.close.com/api/resources/webhooks."""

import hmac
from datetime import timedelta
from hashlib import sha256
from typing import Final

from taskhand.backends.remote.parsing import JsonObject, id_of, objects, rows_in, text_of
from taskhand.backends.remote.webhooks import SignatureCheck, SubscriptionAdmin, read_events
from taskhand.domain.errors import OperatorError
from taskhand.domain.webhook import Delivery, Subscribed, Subscription
from taskhand.http.client import Client
from taskhand.http.path import Path

__all__ = ["CloseWebhookAdmin", "CloseWebhookCheck"]

_HOOKS: Final = Path.of("/webhook/")
_ACTIONS: Final = ("created", "updated", "deleted", "completed")
_KEY_BYTES: Final = 32
_PAGE: Final = 100
_TYPE: Final = "task"


class CloseWebhookCheck(SignatureCheck):
    """Deliveries are signed with the key of their subscription, in hexadecimal digits.

    The same signature may come again: Close repeats what was not answered, and orders nothing.
    """

    refuses_repeats = False
    headers = ("close-sig-hash", "close-sig-timestamp")
    unit = timedelta(seconds=1)

    def __init__(self, key: str, variable: str) -> None:
        """OperatorError where the text of the setting called `variable` is no key."""
        try:
            self._key = bytes.fromhex(key)
        except ValueError:
            self._key = b""
        if len(self._key) < _KEY_BYTES:
            raise OperatorError(
                f"{variable} is not the signature key of a webhook of Close: that has 64 hexadecimal digits.",
                next_step="Run `taskhand webhooks create`, which gets one and keeps it.",
            )

    def signatures(self, delivery: Delivery, timestamp: str) -> tuple[str]:
        """That of the timestamp and the raw body together."""
        signed = timestamp.encode("utf-8", "surrogateescape") + delivery.body
        return (hmac.new(self._key, signed, sha256).hexdigest(),)

    def find_tasks(self, body: bytes) -> tuple[str, ...]:
        """The task of its one event; none where the event is of something else."""
        events = [event for one in read_events(body) if isinstance(event := one.get("event"), dict)]
        ids = [text_of(one.get("object_id")) for one in events if _is_of_task(one.get("object_type"))]
        return tuple(one for one in ids if one)


class CloseWebhookAdmin(SubscriptionAdmin):
    """One subscription to to-dos, the type of tasks whose events are known; looks find what changes on the others."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._events = [{"object_type": f"{_TYPE}.lead", "action": action} for action in _ACTIONS]

    async def list_subscriptions(self) -> tuple[Subscription, ...]:
        """All subscriptions to tasks."""
        return tuple(one for row in await self._rows() if any(map(_is_of_task, (one := _subscription(row)).events)))

    async def delete(self, subscription_id: str) -> None:
        """DELETE a subscription."""
        await self._client.delete(_hook(subscription_id), expect="nothing")

    async def subscribe(self, url: str, key: str | None, *, replaces: bool) -> Subscribed:
        """The subscription at this address, which is made, or changed where it wants something else.

        Close may tell the key only when the subscription is made: one whose key nobody knows is made anew.
        """
        del replaces  # there may be forty
        mine = [row for row in await self._rows() if row.get("url") == url]
        kept = next((row for row in mine if _has_known_key(row, key)), None)
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
                "Close made the subscription and did not tell its signature key.",
                next_step="Run `taskhand webhooks remove`, then `taskhand webhooks create` again.",
            )
        return Subscribed((_subscription(made),), (_subscription(made),), key)

    async def _rows(self) -> list[JsonObject]:
        reply = await self._client.get(_HOOKS, params={"_limit": str(_PAGE)}, expect="object")
        return rows_in("Close", reply.object, "data")

    def _is_as_wanted(self, row: JsonObject) -> bool:
        there = {_pair(one) for one in objects(row.get("events")) if one.get("extra_filter") is None}
        return row.get("status") == "active" and {_pair(one) for one in self._events} <= there


def _subscription(row: JsonObject) -> Subscription:
    events = tuple(".".join(_pair(one)) for one in objects(row.get("events")))
    return Subscription(id_of(row), text_of(row.get("url")) or "", events, row.get("status") == "active")


def _has_known_key(row: JsonObject, key: str | None) -> bool:
    """Whether deliveries of a subscription can be verified: Close shows its key, or may use the one that is kept."""
    shown = _key_in(row)
    return shown in {None, key} if key else bool(shown)


def _key_in(row: JsonObject) -> str | None:
    return text_of(row.get("signature_key"))


def _pair(event: JsonObject) -> tuple[str, str]:
    return str(event.get("object_type")), str(event.get("action"))


def _is_of_task(object_type: object) -> bool:
    return isinstance(object_type, str) and object_type.partition(".")[0] == _TYPE


def _hook(hook_id: str) -> Path:
    return Path.of("/webhook/{id}/", id=hook_id)
