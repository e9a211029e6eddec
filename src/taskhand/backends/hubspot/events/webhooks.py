"""Webhooks of HubSpot: https://developers.hubspot.com/docs/api-reference/2026-03/webhooks/guide."""

import hmac
import json
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Final

from taskhand.backends.remote.parsing import JsonObject, rows_in, text_or_none
from taskhand.backends.remote.webhooks import SignatureCheck, SubscriptionAdmin, read_event_objects
from taskhand.domain.errors import CallerError, Candidate, NotFound
from taskhand.domain.webhook import Subscribed, WebhookRequest, WebhookSubscription
from taskhand.http.client import Client
from taskhand.http.url_path import Path

__all__ = ["HubSpotWebhookAdmin", "HubSpotWebhookCheck", "describe_steps"]

_TASK: Final = "0-27"
"""The id of the object type."""
_PROPERTIES: Final = (
    "hs_task_subject",
    "hs_task_body",
    "hs_task_status",
    "hs_pipeline_stage",
    "hs_task_priority",
    "hs_timestamp",
    "hubspot_owner_id",
)
_EVENTS: Final = ("object.creation", "object.deletion", *(f"object.propertyChange {name}" for name in _PROPERTIES))
"""The events that Taskhand subscribes to: the type, and the property of a change."""
_ESCAPES: Final = re.compile("%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", re.IGNORECASE)
"""The escapes in an address that are decoded before signing, as HubSpot documents."""
_AT_ONCE: Final = 5


class HubSpotWebhookCheck(SignatureCheck):
    """Checks deliveries, which are signed (version 3) with the client secret of the app that has the subscriptions.

    HubSpot signs each repeated delivery anew, so a repeated signature is a replay.
    """

    refuses_repeats = True
    headers = ("x-hubspot-signature-v3", "x-hubspot-request-timestamp")
    unit = timedelta(milliseconds=1)

    def __init__(self, secret: str, *, has_own_ids: bool = False) -> None:
        """`has_own_ids`: tasks are identified by a configured property, which deliveries do not contain."""
        self._secret, self._has_own_ids = secret.encode("utf-8", "surrogateescape"), has_own_ids

    def signatures(self, delivery: WebhookRequest, timestamp: str) -> Iterator[str]:
        """The signatures of method, address, raw body and timestamp, one for each address that was called."""
        end = delivery.body + timestamp.encode("utf-8", "surrogateescape")
        for uri in delivery.uris:
            plain = _ESCAPES.sub(lambda match: chr(int(match[1], 16)), uri)
            signed = f"{delivery.method}{plain}".encode("utf-8", "surrogateescape") + end
            yield b64encode(hmac.new(self._secret, signed, sha256).digest()).decode()

    def find_tasks(self, body: bytes) -> tuple[str, ...]:
        """The ids of the tasks in the events of a delivery, without repetition."""
        if self._has_own_ids:
            return ()
        ids = [event.get("objectId") for event in read_event_objects(body) if event.get("objectTypeId") == _TASK]
        return tuple(dict.fromkeys(str(object_id) for object_id in ids if type(object_id) is int))


class HubSpotWebhookAdmin(SubscriptionAdmin):
    """Manages the subscriptions of an app with a developer key; the app has one address for all of them."""

    def __init__(self, client: Client, app_id: str, developer_key: str) -> None:
        self._client, self._app_id = client, app_id
        self._params: Mapping[str, str] = {"hapikey": developer_key}

    async def list_subscriptions(self) -> tuple[WebhookSubscription, ...]:
        """The subscriptions to tasks, each with the address of the app."""
        url = await self._target() or ""
        return tuple(_subscription(row, url) for row in await self._rows() if row.get("objectTypeId") == _TASK)

    async def find_at(self, url: str) -> list[WebhookSubscription]:
        """The subscriptions at an address whose events are Taskhand's."""
        return [subscription for subscription in await super().find_at(url) if {*subscription.events} <= {*_EVENTS}]

    async def subscribe(self, url: str, key: str | None, *, replaces: bool) -> Subscribed:  # noqa: ARG002  only HubSpot's pages show the client secret
        """Set the address of the app, add the missing subscriptions, and make the paused ones again.

        CallerError if the app delivers to another address and `replaces` is False.
        """
        target = await self._target()
        if target not in {None, url} and not replaces:
            raise CallerError(
                f"The app {self._app_id} delivers to {target}, and an app has one address only.",
                code="webhook_address_taken",
                candidates=[Candidate(str(target), "the present address")],
                next_step="Use another app, or add --replace to replace the present address.",
            )
        if target != url:
            body = {"targetUrl": url, "throttling": {"maxConcurrentRequests": _AT_ONCE}}
            await self._client.put(self._path("settings"), params=self._params, json=body, expect="object or nothing")
        there = await self.list_subscriptions()
        paused = [
            subscription
            for subscription in there
            if not subscription.is_active and {*subscription.events} <= {*_EVENTS}
        ]
        for subscription in paused:
            await self.delete(subscription.id)
        done = await self.add_missing(
            [subscription for subscription in there if subscription not in paused], url, _EVENTS
        )
        return done if target == url else replace(done, made=done.subscriptions)

    async def create(self, url: str, events: Sequence[str]) -> None:  # noqa: ARG002
        """POST a subscription for each event; it uses the address of the app."""
        for event in events:
            kind, _, name = event.partition(" ")
            named = {"propertyName": name} if name else {}
            body = {"eventType": kind, "objectTypeId": _TASK, "active": True, **named}
            try:
                path = self._path("subscriptions")
                await self._client.post(path, params=self._params, json=body, expect="object or nothing")
            except CallerError as error:
                if error.code != "conflict":  # a conflict means that the subscription exists already
                    raise

    async def delete(self, subscription_id: str) -> None:
        """DELETE a subscription."""
        path = Path.of("/webhooks/v3/{app}/subscriptions/{id}", app=self._app_id, id=subscription_id)
        await self._client.delete(path, params=self._params, expect="nothing")

    async def remove(self, url: str) -> Sequence[WebhookSubscription]:
        """Remove the subscriptions to tasks, and the address if none is left; nothing if the app uses another one."""
        if await self._target() != url:
            return ()
        removed = await super().remove(url)
        if not await self._rows():
            await self._client.delete(self._path("settings"), params=self._params, expect="nothing")
        return removed

    async def _target(self) -> str | None:
        try:
            reply = await self._client.get(self._path("settings"), params=self._params, expect="object")
        except NotFound:
            return None
        return text_or_none(reply.object.get("targetUrl")) or None

    async def _rows(self) -> list[JsonObject]:
        reply = await self._client.get(self._path("subscriptions"), params=self._params, expect="object")
        return rows_in("HubSpot", reply.object, "results")

    def _path(self, what: str) -> Path:
        return Path.of(f"/webhooks/v3/{{app}}/{what}", app=self._app_id)


def describe_steps(url: str) -> list[str]:
    """The manual steps that give an app its subscriptions without a developer key, and the text of its file."""
    rows = [
        {"subscriptionType": kind, "objectType": "task", **({"propertyName": name} if name else {}), "active": True}
        for kind, _, name in (event.partition(" ") for event in _EVENTS)
    ]
    settings = {"targetUrl": url, "maxConcurrentRequests": _AT_ONCE}
    config = {"settings": settings, "subscriptions": {"crmObjects": rows}}
    file = {"uid": "taskhand_webhooks", "type": "webhooks", "config": config}
    return [
        "HubSpot lets only an app have webhooks: a service key cannot, and an access token cannot manage them.",
        "1. In the project of your app on HubSpot's developer platform, save the text below as",
        "   src/app/webhooks/webhooks-hsmeta.json, and run `hs project upload`. The app needs the scopes of tasks.",
        "2. Install the app in the account, and copy its client secret from its page Auth.",
        "3. Set HUBSPOT_WEBHOOK_KEY to that secret (keyring:NAME, env:NAME or file:PATH), and restart the server.",
        "A private app of the older kind: enter the same address and subscriptions on its page Webhooks. A public app",
        "of the older kind: set HUBSPOT_APP_ID and HUBSPOT_DEVELOPER_KEY too, and run this command again.",
        *json.dumps(file, indent=2).splitlines(),
    ]


def _subscription(row: JsonObject, url: str) -> WebhookSubscription:
    event = " ".join(filter(None, (text_or_none(row.get("eventType")), text_or_none(row.get("propertyName")))))
    return WebhookSubscription(str(row.get("id")), url, (event,), row.get("active") is not False)
