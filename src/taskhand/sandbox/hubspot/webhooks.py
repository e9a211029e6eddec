"""Webhook subscriptions, their events, and the signed requests that deliver them."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from taskhand.sandbox.hubspot import signature
from taskhand.sandbox.hubspot.dates import to_millis
from taskhand.sandbox.hubspot.errors import APP, PORTAL
from taskhand.sandbox.hubspot.links import TYPES
from taskhand.sandbox.hubspot.object_types import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taskhand.sandbox.hubspot.links import Association
    from taskhand.sandbox.hubspot.record import RecordVersion

FIRST_EVENT, FIRST_SUBSCRIPTION = 1765889350, 7662269  # as in a recorded event
MAX_EVENTS = 100  # of one request
MAX_ATTEMPTS = 11  # documented: up to ten retries
RETRY = dt.timedelta(hours=2)  # documented: ten retries in 24 hours; here at even intervals, to be deterministic
FIRST_ERROR = 400
CREATION, DELETION = "object.creation", "object.deletion"
CHANGE, ASSOCIATION = "object.propertyChange", "object.associationChange"
EVENT_TYPES = (CREATION, DELETION, CHANGE, ASSOCIATION)
AGENT = "HubSpot Connect 2.0 (http://dev.hubspot.com/) (namespace: webhooks-nio-http-client)"


class Subscription(NamedTuple):
    """A subscription to one type of event of one object type; for changes, also to one property."""

    id: int
    event_type: str
    object_type_id: str = "0-27"
    property_name: str | None = None
    active: bool = True


@dataclass(frozen=True)
class Delivery:
    """One request to the app's target URL; `attempt` counts from 0, and each attempt has its own signature."""

    url: str
    events: tuple[Mapping[str, Any], ...]
    due: dt.datetime
    attempt: int = 0
    secret: str = field(default="", repr=False)
    is_signed: bool = True

    @property
    def body(self) -> bytes:
        """The array of events as JSON."""
        rows = [{**event, "attemptNumber": self.attempt} for event in self.events]
        return json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode()

    def headers_at(self, now: dt.datetime) -> dict[str, str]:
        """Return the headers with the signatures of a moment."""
        secret, timestamp, text = self.secret, str(to_millis(now)), self.body.decode()
        return {
            "Content-Type": "application/json",
            "User-Agent": AGENT,
            "X-HubSpot-Signature": signature.v1(secret, text),
            "X-HubSpot-Signature-Version": "v1",
            "X-HubSpot-Signature-v3": signature.v3(secret, "POST", self.url, text, timestamp),
            "X-HubSpot-Request-Timestamp": timestamp,
            "X-HubSpot-Timeout-Millis": "5000",
        }


class _ObjectChange(NamedTuple):
    """A change of one object, its time and its user; None is the app itself."""

    event_type: str
    object_id: str
    object_type_id: str
    now: dt.datetime
    fields: Mapping[str, Any]
    user_id: int | None = None

    def matches(self, subscription: Subscription) -> bool:
        """Whether a subscription matches this change."""
        is_same_type = (subscription.event_type, subscription.object_type_id) == (self.event_type, self.object_type_id)
        return is_same_type and subscription.property_name in (None, self.fields.get("propertyName"))


class AppWebhooks:
    """The app's target URL, its subscriptions, and the pending deliveries."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self.url: str | None = None
        self.subscriptions: list[Subscription] = []
        self.pending: list[Delivery] = []
        self._events: list[dict[str, Any]] = []
        self._count = 0

    def subscribe(
        self, event_type: str, property_name: str | None = None, object_type_id: str = "0-27"
    ) -> Subscription:
        """Add a subscription; ValueError for an unknown type, and for a missing or disallowed property name."""
        if event_type not in EVENT_TYPES:
            raise ValueError(f"event type must be one of {', '.join(EVENT_TYPES)}, not {event_type!r}")
        if (event_type == CHANGE) != (property_name is not None):
            raise ValueError(f"{CHANGE} needs a property name, other types take none")
        newest = max((subscription.id for subscription in self.subscriptions), default=FIRST_SUBSCRIPTION - 1)
        made = Subscription(newest + 1, event_type, object_type_id, property_name)
        self.subscriptions.append(made)
        return made

    def clear_events(self) -> None:
        """Remove all undelivered events; target and subscriptions stay."""
        self.pending.clear()
        self._events.clear()
        self._count = 0

    def emit_created(self, record: RecordVersion, now: dt.datetime) -> None:
        """Add the event of a new record."""
        self._add(_ObjectChange(CREATION, record.id, record.object_type.type_id, now, {"changeFlag": "CREATED"}))

    def emit_deleted(self, record: RecordVersion, now: dt.datetime) -> None:
        """Add the event of an archived record."""
        self._add(_ObjectChange(DELETION, record.id, record.object_type.type_id, now, {"changeFlag": "DELETED"}))

    def emit_changed(
        self, old: RecordVersion, new: RecordVersion, now: dt.datetime, user_id: int | None = None
    ) -> None:
        """Add an event for every changed stored property."""
        names = sorted(old.properties.keys() | new.properties.keys())
        for name in names:
            value = new.properties.get(name, "")
            if old.properties.get(name, "") != value:
                pair = {"propertyName": name, "propertyValue": value}
                self._add(_ObjectChange(CHANGE, new.id, new.object_type.type_id, now, pair, user_id))

    def emit_association(self, link: Association, now: dt.datetime, *, is_removed: bool) -> None:
        """Add the event of an added or removed link, as seen from the task; its keys are assumed."""
        number = TYPES["tasks", link.other]
        ends = {"fromObjectId": int(link.task_id), "toObjectId": int(link.other_id), "associationTypeId": number}
        types = {"fromObjectTypeId": "0-27", "toObjectTypeId": BY_NAME[link.other].type_id}
        fields = {**ends, **types, "associationRemoved": is_removed}
        self._add(_ObjectChange(ASSOCIATION, link.task_id, "0-27", now, fields))

    def is_empty(self) -> bool:
        """Whether no delivery is pending."""
        return not self.pending and not (self._events and self.url)

    def put_back(self, delivery: Delivery, due: dt.datetime) -> None:
        """Postpone a delivery."""
        self.pending.append(replace(delivery, due=due))

    def take_due(self, now: dt.datetime) -> list[Delivery]:
        """Remove and return the due deliveries; the caller must `settle` each, or it is lost."""
        self._bundle(now)
        due = [delivery for delivery in self.pending if delivery.due <= now]
        self.pending = [delivery for delivery in self.pending if delivery.due > now]
        return due

    def settle(self, delivery: Delivery, status: int | None, now: dt.datetime) -> None:
        """Record the result of a delivery; without a response, or after a 4xx or 5xx, it is retried."""
        succeeded = status is not None and status < FIRST_ERROR
        if not succeeded and delivery.attempt + 1 < MAX_ATTEMPTS:
            self.pending.append(replace(delivery, attempt=delivery.attempt + 1, due=now + RETRY))

    def _bundle(self, now: dt.datetime) -> None:
        events, self._events = self._events, []
        starts = range(0, len(events), MAX_EVENTS)
        if self.url is not None:
            self.pending += [
                Delivery(self.url, tuple(events[n : n + MAX_EVENTS]), now, secret=self._secret) for n in starts
            ]

    def _add(self, change: _ObjectChange) -> None:
        for subscription in self.subscriptions:
            if subscription.active and change.matches(subscription):
                self._count += 1
                self._events.append(_event(FIRST_EVENT + self._count, subscription, change))


def _event(number: int, subscription: Subscription, change: _ObjectChange) -> dict[str, Any]:
    # the form is recorded; the source of the app's own changes is assumed
    source = {"changeSource": "INTEGRATION", "sourceId": str(APP)}
    if change.user_id is not None:
        source = {"changeSource": "CRM_UI", "sourceId": f"userId:{change.user_id}"}
    return {
        "eventId": number,
        "subscriptionId": subscription.id,
        "portalId": PORTAL,
        "appId": APP,
        "occurredAt": to_millis(change.now),
        "subscriptionType": subscription.event_type,
        "objectId": int(change.object_id),
        "objectTypeId": subscription.object_type_id,
        **change.fields,
        **source,
        "isSensitive": False,
    }
