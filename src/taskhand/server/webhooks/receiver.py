"""Receives webhook deliveries: verifies each, stores a hint, and answers; the feed then looks for changes by itself."""

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

import anyio
from starlette.routing import Route

from taskhand.call.deadline import call_deadline
from taskhand.domain.errors import TaskhandError
from taskhand.domain.webhook import Verdict, WebhookCheck, WebhookRequest
from taskhand.server.webhooks.refused_deliveries import RefusedDeliveries
from taskhand.server.webhooks.routes import PATH, Received, webhook_routes

if TYPE_CHECKING:
    from taskhand.call.observers import HttpObserver

__all__ = ["KeepHint", "WebhookReceiver", "WebhookReceivers"]

_log = logging.getLogger(__name__)

_KEPT_S: Final = 3.0
"""Seconds within which a hint is stored; a CRM waits some five for the answer."""
_GRACE_S: Final = 0.5
"""More seconds after which the store is cancelled, if it ignores its own deadline."""
_MAX_TASKS: Final = 500
"""Maximum number of tasks in a hint; for more it is `some task`. HubSpot sends a hundred events at most."""
_Outcome = Literal["taken", "repeated", "refused", "unavailable"]
_STATUSES: Final[Mapping[_Outcome, int]] = {"taken": 204, "repeated": 204, "refused": 401, "unavailable": 503}

KeepHint = Callable[[Collection[str], Verdict], Awaitable[bool]]
"""Stores a hint that these tasks, or some task, have changed; False if the same delivery was stored before."""


@dataclass(frozen=True, slots=True)
class WebhookReceiver:
    """The deliveries of one connection: how to verify them, how to store a hint, and which feed to wake."""

    connection: str
    check: WebhookCheck
    keep: KeepHint
    wake: Callable[[], object] = lambda: None


class WebhookReceivers:
    """The deliveries to all connections of a server.

    `base` is the server's URL as CRMs know it; None if it is not configured: then the URL that the proxy forwards
    counts. `clock` returns aware datetimes, `monotonic` measures durations. A hint is stored within `kept_s` seconds.
    `untaken` are the connections that accept no deliveries, each with the reason.
    """

    def __init__(
        self,
        receivers: Mapping[str, WebhookReceiver],
        base: str | None,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
        kept_s: float = _KEPT_S,
        *,
        untaken: Sequence[str] = (),
    ) -> None:
        self._receivers, self._base, self._clock, self._monotonic = receivers, base, clock, monotonic
        self._kept_s, self._untaken = kept_s, untaken
        self._refused = RefusedDeliveries(monotonic)
        self.observer: HttpObserver | None = None

    def describe(self) -> str:
        """The addresses for deliveries, as a text for the operator."""
        where = f"{self._base or ''}{PATH}/"
        if not self._receivers:
            why = "".join(f" Not for {untaken}." for untaken in self._untaken)
            return f"No webhooks are accepted at {where}: no connection has a key for them.{why} See docs/webhooks.md."
        others = "".join(f"; not for {untaken}" for untaken in self._untaken)
        return f"Webhooks are accepted at {where} for {', '.join(self._receivers)}{others}."

    def routes(self) -> list[Route]:
        """The routes for deliveries."""
        return webhook_routes(self.take)

    async def take(self, received: Received) -> int:
        """Receive a delivery; returns the status of the answer, which gives no reason for a refusal."""
        receiver = self._receivers.get(received.connection)
        outcome = await self._receive(receiver, received)
        if self.observer is not None:
            self.observer.webhook_came(receiver.connection if receiver else None, outcome)
        return _STATUSES[outcome]

    async def _receive(self, receiver: WebhookReceiver | None, received: Received) -> _Outcome:
        if receiver is None:
            self._refused.note(None, "an unknown address", received.address)
            return "refused"
        verdict = receiver.check.check(self._delivery(received))
        if verdict.flaw is not None:
            self._refused.note(receiver.connection, verdict.flaw, received.address)
            return "refused"
        return await self._keep(receiver, verdict, received)

    async def _keep(self, receiver: WebhookReceiver, verdict: Verdict, received: Received) -> _Outcome:
        ids = receiver.check.find_tasks(received.body)
        try:
            with call_deadline(self._kept_s, self._monotonic), anyio.fail_after(self._kept_s + _GRACE_S):
                is_new = await receiver.keep(ids if len(ids) <= _MAX_TASKS else (), verdict)
        except (TaskhandError, TimeoutError) as error:
            why = error.message if isinstance(error, TaskhandError) else f"{type(error).__name__} of the store"
            _log.info("a webhook of %s is not stored: %s", receiver.connection, why)
            self._refused.note(receiver.connection, "no place to keep it", received.address)
            return "unavailable"
        if is_new:
            receiver.wake()
            return "taken"
        if receiver.check.refuses_repeats:
            self._refused.note(receiver.connection, "a repeated signature", received.address)
            return "refused"
        return "repeated"

    def _delivery(self, received: Received) -> WebhookRequest:
        uris = (received.uri, *([self._base + received.target] if self._base else []))
        return WebhookRequest(received.method, uris, received.headers, received.body, received.secret, self._clock())
