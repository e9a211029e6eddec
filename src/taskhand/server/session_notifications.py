"""The notifications of one session of the older era, sent by a task of its own."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import anyio
from mcp.server.session import ServerSession
from mcp.shared.exceptions import MCPError
from mcp.types import EmptyResult, PingRequest

from taskhand.server.subscriptions import is_among

__all__ = ["SessionFeed"]

_LOOK_EVERY_S: Final = 60.0
"""Seconds between two checks whether a quiet session is open: its subscriptions keep the CRM polled."""


async def _is_always_allowed() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class _Subscription:
    """A subscription to the task with this key; `end` is called when it ends."""

    key: str
    may_notify: Callable[[], Awaitable[bool]]
    end: Callable[[], None]


class SessionFeed:
    """The addresses that a session subscribed to, and the changed ones that it has not been notified of.

    A notification says only "read it again", so an address is queued once, however often it changes: a session that
    does not read takes no more memory than its addresses.
    """

    def __init__(self, session: ServerSession) -> None:
        self._session = session
        self._subscriptions: dict[str, _Subscription] = {}
        """By address."""
        self._waiting: dict[str, None] = {}
        self._woken = anyio.Event()
        self._scope = anyio.CancelScope()

    def __contains__(self, uri: str) -> bool:
        return uri in self._subscriptions

    @property
    def count(self) -> int:
        """The number of addresses."""
        return len(self._subscriptions)

    def add(
        self,
        key: str,
        uri: str,
        may_notify: Callable[[], Awaitable[bool]] = _is_always_allowed,
        end: Callable[[], None] = lambda: None,
    ) -> None:
        """Subscribe the session to this task under this address, while it may be notified.

        `end` is called when the subscription ends.
        """
        if (former := self._subscriptions.get(uri)) is not None:
            former.end()
        self._subscriptions[uri] = _Subscription(key.casefold(), may_notify, end)

    def remove(self, uri: str) -> None:
        """Unsubscribe from this address."""
        self._waiting.pop(uri, None)
        if (ended := self._subscriptions.pop(uri, None)) is not None:
            ended.end()

    def queue(self, key: str) -> None:
        """Queue a changed task; the key of all tasks of a connection queues all of its tasks."""
        changed = key.casefold()
        self._waiting |= {
            uri: None for uri, subscription in self._subscriptions.items() if is_among(subscription.key, changed)
        }
        if self._waiting:
            self._woken.set()

    async def deliver(self) -> None:
        """Send the queued notifications until stopped, or until the session is found to be closed."""
        try:
            with self._scope:
                await self._deliver()
        finally:
            for uri in [*self._subscriptions]:
                self.remove(uri)

    async def is_open(self) -> bool:
        """Whether the session's connection is open. The SDK does not report it.

        On a closed connection a request fails at once; on an open one this request is cancelled before it is sent.
        """
        with anyio.CancelScope() as scope:
            scope.cancel()
            try:
                await self._session.send_request(PingRequest(), EmptyResult)
            except MCPError:
                return False
        return True

    def stop(self) -> None:
        """End the delivery."""
        self._scope.cancel()

    async def _deliver(self) -> None:
        while True:
            with anyio.move_on_after(_LOOK_EVERY_S) as pause:
                await self._woken.wait()
            if pause.cancelled_caught:
                if not await self.is_open():
                    return
                continue
            self._woken = anyio.Event()
            while self._waiting:
                uri = next(iter(self._waiting))
                del self._waiting[uri]
                if await self._subscriptions[uri].may_notify():
                    await self._session.send_resource_updated(uri)
