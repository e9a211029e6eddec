"""Webhooks of Close: https://developer.close.com/api/resources/webhooks."""

import hmac
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final

from taskhand.backends.remote.parsing import JsonObject, id_of, objects, rows_in, text_of
from taskhand.backends.remote.webhooks import MISSING, judge_signature, read_events, read_moment
from taskhand.domain.errors import OperatorError
from taskhand.domain.webhook import Delivery, Subscribed, Subscription, Verdict
from taskhand.http.client import Client
from taskhand.http.path import Path

__all__ = ["CloseWebhookAdmin", "CloseWebhookCheck"]

_HOOKS: Final = Path.of("/webhook/")
_ACTIONS: Final = ("created", "updated", "deleted", "completed")
_KEY_BYTES: Final = 32
_PAGE: Final = 100
_TYPE: Final = "task"


class CloseWebhookCheck:
    """Deliveries are signed with the key of their subscription, in hexadecimal digits.

    The same signature may come again: Close repeats what was not answered, and orders nothing.
    """

    refuses_repeats = False

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

    def check(self, delivery: Delivery) -> Verdict:
        """Whether it is Close's: the timestamp and the raw body are signed together."""
        sent, timestamp = (delivery.headers.get(name) for name in ("close-sig-hash", "close-sig-timestamp"))
        if sent is None or timestamp is None:
            return MISSING
        signed = timestamp.encode("utf-8", "surrogateescape") + delivery.body
        expected = hmac.new(self._key, signed, sha256).hexdigest()
        return judge_signature(delivery, sent, read_moment(timestamp, unit=timedelta(seconds=1)), (expected,))

    def find_tasks(self, body: bytes) -> tuple[str, ...]:
        """The task of its one event; none where the event is of something else."""
        events = [event for one in read_events(body) if isinstance(event := one.get("event"), dict)]
        ids = [text_of(one.get("object_id")) for one in events if _is_of_task(one.get("object_type"))]
        return tuple(one for one in ids if one)


class CloseWebhookAdmin:
    """One subscription to to-dos, the type of tasks whose events are known; looks find what changes on the others."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._events = [{"object_type": f"{_TYPE}.lead", "action": action} for action in _ACTIONS]

    async def list_subscriptions(self) -> tuple[Subscription, ...]:
        """All subscriptions to tasks."""
        return tuple(_subscription(row) for row in await self._rows() if any(map(_is_of_task, _types_in(row))))

    async def subscribe(self, url: str, key: str | None, *, replaces: bool) -> Subscribed:
        """The subscription at this address, which is made, or changed where it wants something else.

        Close may tell the key only when the subscription is made: one whose key nobody knows is made anew.
        """
        del replaces  # there may be forty
        mine = [row for row in await self._rows() if row.get("url") == url]
        known = [row for row in mine if (shown := text_of(row.get("signature_key"))) is None or shown == key or not key]
        kept = next((row for row in known if key or text_of(row.get("signature_key"))), None)
        for row in mine:
            if row is not kept:
                await self._client.delete(_hook(id_of(row)), expect="nothing")
        if kept is None:
            made = await self._create(url)
            return Subscribed((_subscription(made),), (_subscription(made),), self._key_in(made))
        key = text_of(kept.get("signature_key")) or key
        if self._is_as_wanted(kept):
            return Subscribed((_subscription(kept),), (), key)
        body = {"events": self._events, "status": "active"}
        changed = (await self._client.put(_hook(id_of(kept)), json=body, expect="object")).object
        return Subscribed((_subscription(changed),), (_subscription(changed),), key)

    async def remove(self, url: str) -> tuple[Subscription, ...]:
        """Remove the subscriptions at this address."""
        mine = [row for row in await self._rows() if row.get("url") == url]
        for row in mine:
            await self._client.delete(_hook(id_of(row)), expect="nothing")
        return tuple(map(_subscription, mine))

    async def _rows(self) -> list[JsonObject]:
        reply = await self._client.get(_HOOKS, params={"_limit": str(_PAGE)}, expect="object")
        return rows_in("Close", reply.object, "data")

    async def _create(self, url: str) -> JsonObject:
        body = {"url": url, "events": self._events, "verify_ssl": True}
        return (await self._client.post(_HOOKS, json=body, expect="object")).object

    def _is_as_wanted(self, row: JsonObject) -> bool:
        there = {_pair(one) for one in objects(row.get("events")) if one.get("extra_filter") is None}
        return row.get("status") == "active" and {_pair(one) for one in self._events} <= there

    @staticmethod
    def _key_in(row: JsonObject) -> str:
        key = text_of(row.get("signature_key"))
        if not key:
            raise OperatorError(
                "Close made the subscription and did not tell its signature key.",
                next_step="Run `taskhand webhooks remove`, then `taskhand webhooks create` again.",
            )
        return key


def _subscription(row: JsonObject) -> Subscription:
    events = tuple(".".join(_pair(one)) for one in objects(row.get("events")))
    return Subscription(id_of(row), text_of(row.get("url")) or "", events, row.get("status") == "active")


def _pair(event: JsonObject) -> tuple[str, str]:
    return str(event.get("object_type")), str(event.get("action"))


def _types_in(row: JsonObject) -> list[Any]:
    return [one.get("object_type") for one in objects(row.get("events"))]


def _is_of_task(object_type: object) -> bool:
    return isinstance(object_type, str) and object_type.partition(".")[0] == _TYPE


def _hook(hook_id: str) -> Path:
    return Path.of("/webhook/{id}/", id=hook_id)
