"""Webhooks of Vambe: https://docs.vambe.me/docs/webhooks. Deliveries are neither documented nor signed.

A secret in the address therefore authenticates a delivery, and a delivery only means that some task was changed.
"""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from taskhand.backends.remote.parsing import JsonObject, id_of, objects, text_or_none, value_at
from taskhand.backends.remote.webhooks import SubscriptionAdmin, same_text
from taskhand.domain.errors import CallerError, OperatorError
from taskhand.domain.webhook import Subscribed, Verdict, WebhookCheck, WebhookRequest, WebhookSubscription
from taskhand.http.client import Client
from taskhand.http.url_path import Path

__all__ = ["VambeWebhookAdmin", "VambeWebhookCheck"]

_HOOKS: Final = Path.of("/api/webhooks")
_TOPICS: Final = Path.of("/api/webhooks/topics")
_OF_TASKS: Final = "task."
_SECRET_BYTES: Final = 32
_MIN_LETTERS: Final = 24
_DESCRIPTION: Final = "Taskhand: changes of tasks"


class VambeWebhookCheck(WebhookCheck):
    """Checks that the address of a delivery contains the secret."""

    def __init__(self, key: str, variable: str) -> None:
        """OperatorError if the key, the value of `variable`, is too short for a secret or unfit for an address."""
        is_fit = key.isascii() and key.replace("-", "").replace("_", "").isalnum()
        if len(key) < _MIN_LETTERS or not is_fit:
            raise OperatorError(
                f"{variable} must have {_MIN_LETTERS} or more letters, digits, - or _: it is a part of the address.",
                next_step="Unset it and run `taskhand webhooks create`, which makes and stores one.",
            )
        self._key = key

    def check(self, delivery: WebhookRequest) -> Verdict:
        """The verdict on a delivery: genuine if it came to the address that only Vambe knows."""
        is_genuine = same_text(delivery.secret, self._key)
        return Verdict() if is_genuine else Verdict("a wrong secret in the address")

    def find_tasks(self, body: bytes) -> tuple[str, ...]:  # noqa: ARG002
        """No ids: bodies are not signed, so they are not trusted."""
        return ()


class VambeWebhookAdmin(SubscriptionAdmin):
    """Manages subscriptions to task topics; the list of topics documents none, and the page of update-task three."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def list_subscriptions(self) -> tuple[WebhookSubscription, ...]:
        """All undeleted subscriptions to topics of tasks."""
        reply = await self._client.get(_HOOKS)
        subscriptions = (_subscription(row) for row in objects(reply.json) if row.get("deleted") is not True)
        return tuple(
            subscription
            for subscription in subscriptions
            if any(topic.startswith(_OF_TASKS) for topic in subscription.events)
        )

    async def find_at(self, url: str) -> list[WebhookSubscription]:
        """The subscriptions whose address is `url` and a secret."""
        return [
            subscription
            for subscription in await self.list_subscriptions()
            if subscription.url.rpartition("/")[0] == url
        ]

    async def subscribe(self, url: str, key: str | None, *, replaces: bool) -> Subscribed:  # noqa: ARG002  any number of addresses is possible
        """Subscribe to each of Vambe's task topics, at an address below `url` with the secret."""
        topics = await self._topics()
        mine = await self.find_at(url)
        key = (
            key
            or next((subscription.url.rpartition("/")[2] for subscription in mine if subscription.is_active), None)
            or _new_secret()
        )
        target = f"{url}/{key}"
        good = [subscription for subscription in mine if subscription.url == target and subscription.is_active]
        for subscription in mine:
            if subscription not in good:  # for example with a former secret
                await self.delete(subscription.id)
        return replace(await self.add_missing(good, target, topics), key=key)

    async def _topics(self) -> list[str]:
        """The topics of tasks; OperatorError if Vambe has none."""
        reply = await self._client.get(_TOPICS)
        rows = reply.json if isinstance(reply.json, list) else []
        names = [text_or_none(row) or text_or_none(value_at(row, "name")) for row in rows]
        topics = [name for name in names if name]
        task_topics = [name for name in topics if name.startswith(_OF_TASKS)]
        if not task_topics:
            raise OperatorError(
                f"Vambe offers no webhooks for tasks; its topics are {', '.join(topics) or 'none'}.",
                code="webhooks_unavailable",
                next_step="Nothing needs to be done: Taskhand finds changes by polling.",
            )
        return task_topics

    async def create(self, url: str, events: Sequence[str]) -> None:
        """POST one topic with a secret, or if that is refused several topics without one: both forms are documented."""
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


def _subscription(row: JsonObject) -> WebhookSubscription:
    listed = row.get("topics")
    topics = [topic for topic in listed if isinstance(topic, str)] if isinstance(listed, list) else []
    topic = text_or_none(row.get("topic"))
    events = tuple(topics) or ((topic,) if topic else ())
    return WebhookSubscription(id_of(row), text_or_none(row.get("url")) or "", events, row.get("active") is not False)


def _new_secret() -> str:
    return secrets.token_urlsafe(_SECRET_BYTES)
