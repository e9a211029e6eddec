"""Webhooks of Vambe: https://docs.vambe.me/docs/webhooks. Nothing of a delivery is documented, and nothing is signed.

So a secret in the address shows that a delivery is Vambe's, and a delivery says only that some task was changed.
"""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from taskhand.backends.remote.parsing import JsonObject, id_of, objects, text_of
from taskhand.backends.remote.webhooks import SubscriptionAdmin, same_text
from taskhand.domain.errors import CallerError, OperatorError
from taskhand.domain.webhook import Delivery, Subscribed, Subscription, Verdict
from taskhand.http.client import Client
from taskhand.http.path import Path

__all__ = ["VambeWebhookAdmin", "VambeWebhookCheck"]

_HOOKS: Final = Path.of("/api/webhooks")
_TOPICS: Final = Path.of("/api/webhooks/topics")
_OF_TASKS: Final = "task."
_SECRET_BYTES: Final = 32
_MIN_LETTERS: Final = 24
_DESCRIPTION: Final = "Taskhand: changes of tasks"


class VambeWebhookCheck:
    """A delivery is genuine where its address has the secret."""

    refuses_repeats = False

    def __init__(self, key: str, variable: str) -> None:
        """OperatorError where the setting called `variable` is too short to be a secret, or unfit for an address."""
        is_fit = key.isascii() and key.replace("-", "").replace("_", "").isalnum()
        if len(key) < _MIN_LETTERS or not is_fit:
            raise OperatorError(
                f"{variable} must have {_MIN_LETTERS} or more letters, digits, - or _: it is a part of the address.",
                next_step="Unset it and run `taskhand webhooks create`, which makes one and keeps it.",
            )
        self._key = key

    def check(self, delivery: Delivery) -> Verdict:
        """Whether it came to the address that only Vambe is told."""
        is_genuine = same_text(delivery.secret, self._key)
        return Verdict() if is_genuine else Verdict("a wrong secret in the address")

    def find_tasks(self, body: bytes) -> tuple[str, ...]:
        """None: nobody vouches for what a body says."""
        del body
        return ()


class VambeWebhookAdmin(SubscriptionAdmin):
    """Subscriptions to the topics of tasks, of which the documentation lists none and update-task names three."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def list_subscriptions(self) -> tuple[Subscription, ...]:
        """All subscriptions to topics of tasks that are not deleted."""
        reply = await self._client.get(_HOOKS)
        found = (_subscription(row) for row in objects(reply.json) if row.get("deleted") is not True)
        return tuple(one for one in found if any(topic.startswith(_OF_TASKS) for topic in one.events))

    async def find_at(self, url: str) -> list[Subscription]:
        """The subscriptions whose addresses are this one and a secret."""
        return [one for one in await self.list_subscriptions() if one.url.rpartition("/")[0] == url]

    async def subscribe(self, url: str, key: str | None, *, replaces: bool) -> Subscribed:
        """A subscription to each topic of tasks that Vambe has, at an address below `url` with the secret."""
        del replaces  # any number may be there
        topics = await self._topics()
        mine = await self.find_at(url)
        key = key or next((one.url.rpartition("/")[2] for one in mine if one.is_active), None) or _new_secret()
        target = f"{url}/{key}"
        good = [one for one in mine if one.url == target and one.is_active]
        for one in mine:
            if one not in good:  # such as one with a former secret
                await self.delete(one.id)
        return replace(await self.add_missing(good, target, topics), key=key)

    async def _topics(self) -> list[str]:
        """The topics of tasks. OperatorError where Vambe has none."""
        reply = await self._client.get(_TOPICS)
        rows = reply.json if isinstance(reply.json, list) else []
        names = [text_of(row) or (text_of(row.get("name")) if isinstance(row, dict) else None) for row in rows]
        topics = [name for name in names if name]
        found = [name for name in topics if name.startswith(_OF_TASKS)]
        if not found:
            raise OperatorError(
                f"Vambe offers no webhooks for tasks; its topics are {', '.join(topics) or 'none'}.",
                code="webhooks_unavailable",
                next_step="Nothing needs to be done: Taskhand finds changes by looking itself.",
            )
        return found

    async def create(self, url: str, events: Sequence[str]) -> None:
        """Both forms of the body are documented somewhere: one topic with a secret, or several topics without one."""
        try:
            for topic in events:
                body = {"topic": topic, "url": url, "secret": _new_secret()}
                await self._client.post(_HOOKS, json=body, expect="object or nothing")
        except CallerError as error:
            if error.code != "upstream_refused":
                raise
            several = {"url": url, "topics": [*events], "active": True, "description": _DESCRIPTION}
            await self._client.post(_HOOKS, json=several, expect="object or nothing")

    async def delete(self, subscription_id: str) -> None:
        """DELETE a subscription."""
        await self._client.delete(Path.of("/api/webhooks/{id}", id=subscription_id), expect="nothing")


def _subscription(row: JsonObject) -> Subscription:
    listed = row.get("topics")
    topics = [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []
    one = text_of(row.get("topic"))
    events = tuple(topics) or ((one,) if one else ())
    return Subscription(id_of(row), text_of(row.get("url")) or "", events, row.get("active") is not False)


def _new_secret() -> str:
    return secrets.token_urlsafe(_SECRET_BYTES)
