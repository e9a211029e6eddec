"""Webhooks of HubSpot: https://developers.hubspot.com/docs/api-reference/2026-03/webhooks/guide."""

import hmac
import json
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Final

from taskhand.backends.remote.parsing import JsonObject, rows_in, text_of
from taskhand.backends.remote.webhooks import MISSING, judge_signature, read_events, read_moment
from taskhand.domain.errors import CallerError, Candidate, NotFound
from taskhand.domain.webhook import Delivery, Subscribed, Subscription, Verdict
from taskhand.http.client import Client
from taskhand.http.path import Path

__all__ = ["HubSpotWebhookAdmin", "HubSpotWebhookCheck", "describe_steps"]

_TASK: Final = "0-27"
"""The id of the object type."""
_CHANGE: Final = "object.propertyChange"
_PROPERTIES: Final = (
    "hs_task_subject",
    "hs_task_body",
    "hs_task_status",
    "hs_pipeline_stage",
    "hs_task_priority",
    "hs_timestamp",
    "hubspot_owner_id",
)
_EVENTS: Final = (
    ("object.creation", None),
    ("object.deletion", None),
    *((_CHANGE, name) for name in _PROPERTIES),
)
"""What Taskhand subscribes to: the type of an event, and the property of a change."""
_ESCAPES: Final = re.compile("%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", re.IGNORECASE)
"""Those of an address that are decoded before it is signed, as HubSpot documents it."""
_AT_ONCE: Final = 5
_CONFLICT: Final = "conflict"


class HubSpotWebhookCheck:
    """Deliveries are signed (version 3) with the client secret of the app that has the subscriptions.

    A repetition of HubSpot's is signed anew, so the same signature again is a replay.
    """

    refuses_repeats = True

    def __init__(self, secret: str, *, has_own_ids: bool = False) -> None:
        """`has_own_ids`: tasks are known by another property than HubSpot's id, which deliveries do not have."""
        self._secret, self._has_own_ids = secret.encode("utf-8", "surrogateescape"), has_own_ids

    def check(self, delivery: Delivery) -> Verdict:
        """Whether it is HubSpot's: method, address, raw body and timestamp are signed together."""
        names = ("x-hubspot-signature-v3", "x-hubspot-request-timestamp")
        sent, timestamp = (delivery.headers.get(name) for name in names)
        if sent is None or timestamp is None:
            return MISSING
        expected = tuple(self._sign(delivery, uri, timestamp) for uri in delivery.uris)
        return judge_signature(delivery, sent, read_moment(timestamp, unit=timedelta(milliseconds=1)), expected)

    def _sign(self, delivery: Delivery, uri: str, timestamp: str) -> str:
        plain = _ESCAPES.sub(lambda found: chr(int(found[1], 16)), uri)
        head = f"{delivery.method}{plain}".encode("utf-8", "surrogateescape")
        signed = head + delivery.body + timestamp.encode("utf-8", "surrogateescape")
        return b64encode(hmac.new(self._secret, signed, sha256).digest()).decode()

    def find_tasks(self, body: bytes) -> tuple[str, ...]:
        """The tasks of its events, each once."""
        if self._has_own_ids:
            return ()
        ids = [one.get("objectId") for one in read_events(body) if one.get("objectTypeId") == _TASK]
        return tuple(dict.fromkeys(str(one) for one in ids if type(one) is int))


class HubSpotWebhookAdmin:
    """The subscriptions of an app, which a developer key manages; the app has one address for all of them."""

    def __init__(self, client: Client, app_id: str, developer_key: str) -> None:
        self._client, self._app_id = client, app_id
        self._params: Mapping[str, str] = {"hapikey": developer_key}

    async def list_subscriptions(self) -> tuple[Subscription, ...]:
        """The subscriptions to tasks, each with the address of the app."""
        url = await self._target()
        return tuple(one for row in await self._rows() if (one := _subscription(row, url or "")) is not None)

    async def subscribe(self, url: str, key: str | None, *, replaces: bool) -> Subscribed:
        """Set the address of the app, and add the subscriptions that are missing.

        CallerError where the app delivers elsewhere and that address may not be replaced.
        """
        del key  # the client secret is told by HubSpot's pages alone
        target = await self._target()
        if target not in {None, url} and not replaces:
            raise CallerError(
                f"The app {self._app_id} delivers to {target}, and an app has one address only.",
                code="webhook_address_taken",
                candidates=[Candidate(str(target), "the present address")],
                next_step="Use another app, or add --replace to give up the present address.",
            )
        if target != url:
            body = {"targetUrl": url, "throttling": {"maxConcurrentRequests": _AT_ONCE}}
            await self._client.put(self._path("settings"), params=self._params, json=body, expect="object or nothing")
        there = await self.list_subscriptions()
        missing = [event for event in _EVENTS if _title(*event) not in {title for one in there for title in one.events}]
        for event in missing:
            await self._create(*event)
        after = await self.list_subscriptions() if missing else there
        before = {one.id for one in there} if target == url else set()
        return Subscribed(after, tuple(one for one in after if one.id not in before))

    async def remove(self, url: str) -> Sequence[Subscription]:
        """Remove the subscriptions to tasks; nothing where the app delivers elsewhere."""
        if await self._target() != url:
            return ()
        mine = [
            one for one in await self.list_subscriptions() if set(one.events) <= {_title(*event) for event in _EVENTS}
        ]
        for one in mine:
            path = Path.of("/webhooks/v3/{app}/subscriptions/{id}", app=self._app_id, id=one.id)
            await self._client.delete(path, params=self._params, expect="nothing")
        if not await self._rows():
            await self._client.delete(self._path("settings"), params=self._params, expect="nothing")
        return mine

    async def _target(self) -> str | None:
        try:
            reply = await self._client.get(self._path("settings"), params=self._params, expect="object")
        except NotFound:
            return None
        return text_of(reply.object.get("targetUrl")) or None

    async def _rows(self) -> list[JsonObject]:
        reply = await self._client.get(self._path("subscriptions"), params=self._params, expect="object")
        return rows_in("HubSpot", reply.object, "results")

    async def _create(self, event_type: str, name: str | None) -> None:
        named = {} if name is None else {"propertyName": name}
        body = {"eventType": event_type, "objectTypeId": _TASK, "active": True, **named}
        try:
            path = self._path("subscriptions")
            await self._client.post(path, params=self._params, json=body, expect="object or nothing")
        except CallerError as error:
            if error.code != _CONFLICT:  # somebody has made it meanwhile
                raise

    def _path(self, what: str) -> Path:
        return Path.of(f"/webhooks/v3/{{app}}/{what}", app=self._app_id)


def describe_steps(url: str) -> list[str]:
    """The steps by which an app gets its subscriptions without a developer key, and the text of its file."""
    rows = [
        {"subscriptionType": kind, "objectType": "task", **({"propertyName": name} if name else {}), "active": True}
        for kind, name in _EVENTS
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


def _subscription(row: JsonObject, url: str) -> Subscription | None:
    """The subscription in a row; None where it is to something else than tasks."""
    if row.get("objectTypeId") != _TASK:
        return None
    title = _title(text_of(row.get("eventType")) or "", text_of(row.get("propertyName")))
    return Subscription(str(row.get("id")), url, (title,), row.get("active") is not False)


def _title(event_type: str, name: str | None) -> str:
    return f"{event_type} {name}" if name else event_type
