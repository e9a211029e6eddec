"""Webhooks: what happened, as the events of subscriptions, and the signed requests that tell it."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from taskhand.sandbox.hubspot import signature
from taskhand.sandbox.hubspot.dates import to_millis
from taskhand.sandbox.hubspot.errors import APP, PORTAL
from taskhand.sandbox.hubspot.links import TYPES
from taskhand.sandbox.hubspot.object_types import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taskhand.sandbox.hubspot.links import Link
    from taskhand.sandbox.hubspot.record import Record

FIRST_EVENT, FIRST_SUBSCRIPTION = 1765889350, 7662269  # of the sample
MOST_EVENTS = 100  # in one request
MOST_ATTEMPTS = 11  # the first, and up to ten more
RETRY = dt.timedelta(hours=2)  # ten in 24 hours; here evenly, so that runs are alike
FIRST_ERROR = 400
CREATION, DELETION = "object.creation", "object.deletion"
CHANGE, ASSOCIATION = "object.propertyChange", "object.associationChange"
EVENT_TYPES = (CREATION, DELETION, CHANGE, ASSOCIATION)
AGENT = "HubSpot Connect 2.0 (http://dev.hubspot.com/) (namespace: webhooks-nio-http-client)"


class Subscription(NamedTuple):
    """What an app wants to hear: a type of event on a type of object, and for changes one property."""

    id: int
    event_type: str
    object_type_id: str = "0-27"
    property_name: str | None = None


@dataclass(frozen=True)
class Delivery:
    """One request to the app's target: signed anew at each attempt, which counts from 0."""

    url: str
    events: tuple[Mapping[str, Any], ...]
    due: dt.datetime
    attempt: int = 0

    @property
    def body(self) -> bytes:
        """The array of events."""
        rows = [{**event, "attemptNumber": self.attempt} for event in self.events]
        return json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode()

    def headers(self, secret: str, now: dt.datetime) -> dict[str, str]:
        """Sign it for this moment."""
        timestamp, text = str(to_millis(now)), self.body.decode()
        return {
            "Content-Type": "application/json",
            "User-Agent": AGENT,
            "X-HubSpot-Signature": signature.v1(secret, text),
            "X-HubSpot-Signature-Version": "v1",
            "X-HubSpot-Signature-v3": signature.v3(secret, "POST", self.url, text, timestamp),
            "X-HubSpot-Request-Timestamp": timestamp,
            "X-HubSpot-Timeout-Millis": "5000",
        }


class _Happening(NamedTuple):
    """What happened to one object, when, and by whom: None is the app itself."""

    event_type: str
    object_id: str
    object_type_id: str
    now: dt.datetime
    what: Mapping[str, Any]
    user_id: int | None = None

    def concerns(self, one: Subscription) -> bool:
        """Whether a subscription wants to hear it."""
        is_meant = (one.event_type, one.object_type_id) == (self.event_type, self.object_type_id)
        return is_meant and one.property_name in (None, self.what.get("propertyName"))


class Webhooks:
    """The app's target, its subscriptions, and the events that still have to be told."""

    def __init__(self) -> None:
        self.url: str | None = None
        self.subscriptions: list[Subscription] = []
        self.pending: list[Delivery] = []
        self._events: list[dict[str, Any]] = []
        self._count = 0

    def subscribe(
        self, event_type: str, property_name: str | None = None, object_type_id: str = "0-27"
    ) -> Subscription:
        """Add a subscription; a change needs the property's name, an unknown type is a ValueError."""
        if event_type not in EVENT_TYPES:
            raise ValueError(f"event type is one of {', '.join(EVENT_TYPES)}; not {event_type!r}")
        if (event_type == CHANGE) != (property_name is not None):
            raise ValueError(f"{CHANGE} needs a property name, the others take none")
        made = Subscription(FIRST_SUBSCRIPTION + len(self.subscriptions), event_type, object_type_id, property_name)
        self.subscriptions.append(made)
        return made

    def forget(self) -> None:
        """Drop what has not been told; target and subscriptions stay."""
        self.pending.clear()
        self._events.clear()
        self._count = 0

    def created(self, record: Record, now: dt.datetime) -> None:
        """Tell of a new record."""
        self._tell(_Happening(CREATION, record.id, record.kind.type_id, now, {"changeFlag": "CREATED"}))

    def deleted(self, record: Record, now: dt.datetime) -> None:
        """Tell of an archived record."""
        self._tell(_Happening(DELETION, record.id, record.kind.type_id, now, {"changeFlag": "DELETED"}))

    def changed(self, old: Record, new: Record, now: dt.datetime, user_id: int | None = None) -> None:
        """Tell of every stored property that changed."""
        names = sorted(old.properties.keys() | new.properties.keys())
        for name in names:
            value = new.properties.get(name, "")
            if old.properties.get(name, "") != value:
                pair = {"propertyName": name, "propertyValue": value}
                self._tell(_Happening(CHANGE, new.id, new.kind.type_id, now, pair, user_id))

    def associated(self, link: Link, now: dt.datetime, *, is_removed: bool) -> None:
        """Tell of a link made or removed, as seen from the task; its keys are INF."""
        number = TYPES["tasks", link.other]
        ends = {"fromObjectId": int(link.task_id), "toObjectId": int(link.other_id), "associationTypeId": number}
        kinds = {"fromObjectTypeId": "0-27", "toObjectTypeId": BY_NAME[link.other].type_id}
        what = {**ends, **kinds, "associationRemoved": is_removed}
        self._tell(_Happening(ASSOCIATION, link.task_id, "0-27", now, what))

    def due(self, now: dt.datetime) -> list[Delivery]:
        """Take the deliveries that are due; what is not settled afterwards is lost."""
        self._bundle(now)
        ripe = [one for one in self.pending if one.due <= now]
        self.pending = [one for one in self.pending if one.due > now]
        return ripe

    def settle(self, one: Delivery, status: int | None, now: dt.datetime) -> None:
        """Note how a delivery went; without an answer, or after any 4xx and 5xx, it comes again."""
        went_well = status is not None and status < FIRST_ERROR
        if not went_well and one.attempt + 1 < MOST_ATTEMPTS:
            self.pending.append(replace(one, attempt=one.attempt + 1, due=now + RETRY))

    def _bundle(self, now: dt.datetime) -> None:
        events, self._events = self._events, []
        starts = range(0, len(events), MOST_EVENTS)
        if self.url is not None:
            self.pending += [Delivery(self.url, tuple(events[n : n + MOST_EVENTS]), now) for n in starts]

    def _tell(self, happened: _Happening) -> None:
        for one in self.subscriptions:
            if happened.concerns(one):
                self._count += 1
                self._events.append(_event(FIRST_EVENT + self._count, one, happened))


def _event(number: int, one: Subscription, happened: _Happening) -> dict[str, Any]:
    # §10 CAP for the shape; INF for changes of our own, from property histories
    source = {"changeSource": "INTEGRATION", "sourceId": str(APP)}
    if happened.user_id is not None:
        source = {"changeSource": "CRM_UI", "sourceId": f"userId:{happened.user_id}"}
    return {
        "eventId": number,
        "subscriptionId": one.id,
        "portalId": PORTAL,
        "appId": APP,
        "occurredAt": to_millis(happened.now),
        "subscriptionType": one.event_type,
        "objectId": int(happened.object_id),
        "objectTypeId": one.object_type_id,
        **happened.what,
        **source,
        "isSensitive": False,
    }
