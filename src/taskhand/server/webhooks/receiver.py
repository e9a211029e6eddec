"""Takes the deliveries of webhooks: verified, then kept as a hint, then answered; the look follows by itself."""

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

import anyio
from starlette.routing import Route

from taskhand.domain.deadline import call_deadline
from taskhand.domain.errors import TaskhandError
from taskhand.domain.webhook import Delivery, Verdict, WebhookCheck
from taskhand.server.webhooks.refused_deliveries import RefusedDeliveries
from taskhand.server.webhooks.routes import PATH, Received, webhook_routes

if TYPE_CHECKING:
    from taskhand.domain.telemetry import HttpObserver

__all__ = ["KeepHint", "WebhookReceiver", "Webhooks"]

_log = logging.getLogger(__name__)

_KEPT_S: Final = 3.0
"""Seconds within which a hint is kept; a CRM waits for some five."""
_MORE_S: Final = 0.5
"""Seconds until it is given up, where the store has not noticed that they are over."""
_MOST_TASKS: Final = 500
"""Of one delivery that names more only `some task` is kept; HubSpot sends a hundred events at most."""
_Outcome = Literal["taken", "repeated", "refused", "unavailable"]
_STATUSES: Final[Mapping[_Outcome, int]] = {"taken": 204, "repeated": 204, "refused": 401, "unavailable": 503}

KeepHint = Callable[[Collection[str], Verdict], Awaitable[bool]]
"""Keeps that these tasks, or some task, were changed; False where the same delivery was taken before."""


@dataclass(frozen=True, slots=True)
class WebhookReceiver:
    """The deliveries of one connection: how they are checked, how a hint is kept, and who is woken by it."""

    connection: str
    check: WebhookCheck
    keep: KeepHint
    wake: Callable[[], object] = lambda: None


class Webhooks:
    """The deliveries to all connections of a server.

    `base` is the server's address as CRMs know it, None where nobody has told: then it is that which the proxy was
    called by. `clock` returns aware datetimes, `monotonic` measures. A hint is kept within `kept_s` seconds.
    `untaken` are the connections whose deliveries are not taken, each with the reason.
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
        """Where deliveries come, for whoever starts the server."""
        where = f"{self._base or ''}{PATH}/"
        if not self._receivers:
            why = "".join(f" Not for {one}." for one in self._untaken)
            return f"No webhooks are taken at {where}: no connection has a key of them.{why} See docs/webhooks.md."
        others = "".join(f"; not for {one}" for one in self._untaken)
        return f"Webhooks are taken at {where} for {', '.join(self._receivers)}{others}."

    def routes(self) -> list[Route]:
        """The addresses."""
        return webhook_routes(self.take)

    async def take(self, received: Received) -> int:
        """Take a delivery; the status of the answer, which tells nobody why something was refused."""
        receiver = self._receivers.get(received.connection)
        outcome = await self._take(receiver, received)
        if self.observer is not None:
            self.observer.webhook_came(receiver.connection if receiver else None, outcome)
        return _STATUSES[outcome]

    async def _take(self, receiver: WebhookReceiver | None, received: Received) -> _Outcome:
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
            with call_deadline(self._kept_s, self._monotonic), anyio.fail_after(self._kept_s + _MORE_S):
                is_new = await receiver.keep(ids if len(ids) <= _MOST_TASKS else (), verdict)
        except (TaskhandError, TimeoutError) as error:
            why = error.message if isinstance(error, TaskhandError) else f"{type(error).__name__} of the store"
            _log.info("a webhook of %s is not kept: %s", receiver.connection, why)
            self._refused.note(receiver.connection, "no place to keep it", received.address)
            return "unavailable"
        if is_new:
            receiver.wake()
            return "taken"
        if receiver.check.refuses_repeats:
            self._refused.note(receiver.connection, "a signature that came before", received.address)
            return "refused"
        return "repeated"

    def _delivery(self, received: Received) -> Delivery:
        uris = (received.uri, *([self._base + received.target] if self._base else []))
        return Delivery(received.method, uris, received.headers, received.body, received.secret, self._clock())
