"""The deliveries of webhooks: their due times, and their scripted faults."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import anyio

from taskhand.sandbox.faults import DELIVERY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable, Iterable

    from taskhand.sandbox.faults import Fault

    Post = Callable[[str, dict[str, str], bytes], Awaitable[int]]
    """Sends a request (address, headers, body); returns the status of the response, or raises OSError."""

FIRST_ERROR = 300
LOGGED = 1_000  # rows


class Delivery(Protocol):
    """One request to a subscriber; `attempt` counts from 0."""

    @property
    def url(self) -> str:
        """The address."""

    @property
    def body(self) -> bytes:
        """The body."""

    @property
    def attempt(self) -> int:
        """The number of failures."""

    @property
    def is_signed(self) -> bool:
        """Whether a signature proves the sender; if not, anyone who knows the address can send a delivery."""

    def headers_at(self, now: dt.datetime) -> dict[str, str]:
        """The headers, signed at a moment."""


D = TypeVar("D", bound=Delivery)


class Outbox(Protocol[D]):
    """The pending deliveries of one CRM, with its rules for repeating them."""

    def is_empty(self) -> bool:
        """Whether no delivery is pending, due or not."""

    def take_due(self, now: dt.datetime) -> list[D]:
        """Remove and return the due deliveries; each must be settled or put back, or it is lost."""

    def put_back(self, one: D, due: dt.datetime) -> None:
        """Let it be due at another time."""

    def settle(self, one: D, status: int | None, now: dt.datetime) -> None:
        """Record the result; a delivery without a response, or with a refusal, is repeated."""


@dataclass(frozen=True)
class Outgoing:
    """A delivery whose body is the same at each attempt; `sign` makes the headers."""

    url: str
    body: bytes
    sign: Callable[[dt.datetime], dict[str, str]]
    is_signed: bool = True
    attempt: int = 0

    def headers_at(self, now: dt.datetime) -> dict[str, str]:
        """The headers, signed at a moment."""
        return {"content-type": "application/json", **self.sign(now)}


@dataclass(frozen=True)
class Found:
    """A delivery that follows from the CRM's data; `make` returns None if the subscriber does not want it."""

    key: Hashable
    is_ripe: bool
    make: Callable[[], Outgoing | None]


class FoundOutbox:
    """The outbox of a CRM whose deliveries follow from its data: each is sent once, and again while it fails.

    `pauses` are those after each failure; the last one counts for all that follow, until `most` attempts were made.
    """

    def __init__(self, find: Callable[[], Iterable[Found]], pauses: tuple[dt.timedelta, ...], most: int) -> None:
        self._find, self._pauses, self._most = find, pauses, most
        self._taken: set[Hashable] = set()
        self._waiting: list[tuple[dt.datetime, Outgoing]] = []

    def is_empty(self) -> bool:
        """Whether no delivery is pending."""
        return not self._waiting and all(delivery.key in self._taken for delivery in self._find())

    def take_due(self, now: dt.datetime) -> list[Outgoing]:
        """Remove and return the due deliveries: repeated ones, then new ones."""
        due = [delivery for at, delivery in self._waiting if at <= now]
        self._waiting = [(at, delivery) for at, delivery in self._waiting if at > now]
        fresh = [event for event in self._find() if event.is_ripe and event.key not in self._taken]
        self._taken.update(event.key for event in fresh)
        return due + [made for event in fresh if (made := event.make()) is not None]

    def put_back(self, delivery: Outgoing, due: dt.datetime) -> None:
        """Let it be due at another time."""
        self._waiting.append((due, delivery))

    def settle(self, delivery: Outgoing, status: int | None, now: dt.datetime) -> None:
        """Schedule a repetition if the delivery failed."""
        if (status is None or status >= FIRST_ERROR) and delivery.attempt + 1 < self._most:
            pause = self._pauses[min(delivery.attempt, len(self._pauses) - 1)]
            self._waiting.append((now + pause, replace(delivery, attempt=delivery.attempt + 1)))


@dataclass(frozen=True)
class SentDelivery:
    """A delivery that was sent or lost; `status` is None without a response."""

    url: str
    at: str
    attempt: int
    status: int | None
    fault: str | None


@dataclass
class WebhookSender(Generic[D]):
    """Sends the deliveries of an outbox that are due by `clock`, with the faults that `next_fault` returns."""

    outbox: Outbox[D]
    clock: Callable[[], dt.datetime]
    next_fault: Callable[[str], Fault | None]
    log: list[SentDelivery] = field(default_factory=list)
    _held: list[D] = field(default_factory=list)
    _late: list[tuple[str, bytes]] = field(default_factory=list)
    _changed: anyio.Event | None = None

    async def deliver(self, post: Post) -> tuple[D, ...]:
        """Send the due deliveries, and return them."""
        now = self.clock()
        due = self.outbox.take_due(now)
        held, self._held = (self._held, []) if due else ([], self._held)
        for delivery in due:
            await self._deliver(delivery, post, now)
        for delivery in held:
            await self._send(delivery, post, now, "out_of_order")
        return tuple(due)

    def note_change(self) -> None:
        """Wake the task that waits for a change."""
        if self._changed is not None:
            self._changed.set()

    async def wait_for_change(self) -> None:
        """Wait until another delivery may be due."""
        self._changed = anyio.Event()
        await self._changed.wait()

    async def _deliver(self, delivery: D, post: Post, now: dt.datetime) -> None:
        if (request := (delivery.url, delivery.body)) in self._late:
            self._late.remove(request)
            await self._send(delivery, post, now, "late")
            return
        fault = self.next_fault(DELIVERY)
        kind = fault.kind if fault else None
        age = dt.timedelta(seconds=fault.seconds if fault else 0)
        if kind == "lost":
            self._note(delivery, now, None, kind)
        elif kind == "out_of_order":
            self._held.append(delivery)
        elif kind == "late":
            self._late.append(request)
            self.outbox.put_back(delivery, now + age)
        else:
            await self._send_disturbed(delivery, post, now, kind, age)

    async def _send_disturbed(
        self, delivery: D, post: Post, now: dt.datetime, kind: str | None, age: dt.timedelta
    ) -> None:
        """Send a delivery, with the forged, outdated or second request of a fault."""
        if kind == "forged":
            url, body = (
                (delivery.url, delivery.body + b" ") if delivery.is_signed else (f"{delivery.url}0", delivery.body)
            )
            self._note(delivery, now, await _status_of(post, url, delivery.headers_at(now), body), kind)
        if kind == "outdated":
            self._note(
                delivery, now, await _status_of(post, delivery.url, delivery.headers_at(now - age), delivery.body), kind
            )
        await self._send(delivery, post, now)
        if kind == "twice":
            self._note(
                delivery, now, await _status_of(post, delivery.url, delivery.headers_at(now), delivery.body), kind
            )

    async def _send(self, delivery: D, post: Post, now: dt.datetime, fault: str | None = None) -> None:
        status = await _status_of(post, delivery.url, delivery.headers_at(now), delivery.body)
        self.outbox.settle(delivery, status, now)
        self._note(delivery, now, status, fault)

    def _note(self, delivery: D, now: dt.datetime, status: int | None, fault: str | None) -> None:
        self.log.append(SentDelivery(delivery.url, now.isoformat(), delivery.attempt, status, fault))
        del self.log[:-LOGGED]


async def _status_of(post: Post, url: str, headers: dict[str, str], body: bytes) -> int | None:
    """The status of the response; None without a response."""
    try:
        return await post(url, headers, body)
    except OSError:
        return None
