"""MCP handlers for subscriptions to tasks and to the feed, in both protocol eras; all else is constant.

In 2025-11-25 a session subscribes to addresses, and the server sends notifications at any time. In 2026-07-28 the
answer of `subscriptions/listen` is the stream of notifications. In both eras a subscriber that does not read never
delays the call that changed the task.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio
from anyio.abc import TaskGroup
from mcp.server import Server, ServerRequestContext
from mcp.server.subscriptions import ListenHandler, ResourceUpdated, ServerEvent
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    EmptyResult,
    SubscribeRequestParams,
    SubscriptionFilter,
    SubscriptionsListenRequestParams,
    SubscriptionsListenResult,
    UnsubscribeRequestParams,
)

from taskhand.domain.errors import TaskhandError
from taskhand.server.late_handlers import LateHandlers
from taskhand.service.connections import Connections

if TYPE_CHECKING:
    from taskhand.server.session_notifications import SessionFeed
    from taskhand.server.subscription_uris import SubscriptionUri

__all__ = ["MAX_ADDRESSES", "TaskSubscriptions", "is_among", "update_key"]

MAX_ADDRESSES: Final = 200
"""Maximum number of addresses for one session, or one stream of the newer era."""
_MAX_STREAMS: Final = 1_000
"""Maximum number of open streams of the newer era."""

_Context = ServerRequestContext["_Sessions", Any]


def is_among(task: str, key: str) -> bool:
    """Whether a key of a task is this key, or is covered by the key of all tasks of a connection."""
    return task == key or (key.endswith("/") and task.startswith(key))


def update_key(connection: str | None, task_id: str) -> str:
    """The key of a task of a connection; ids do not differ by case alone."""
    return f"{connection or ''}/{task_id}".casefold()


@dataclass(frozen=True, slots=True)
class TaskSubscriptions:
    """Subscriptions to tasks and feeds of any connection: changes made here, at other replicas, or in the CRM.

    While there is a subscription, the CRM is polled for changes. `resources` resolves an address and checks whether the
    caller may read it, again before each notification. `most_streams` limits the open streams of the newer era.
    """

    connections: Connections
    resources: LateHandlers
    most_streams: int = _MAX_STREAMS
    _streams: set[ListenHandler] = field(default_factory=set)

    def end_streams(self) -> None:
        """End the open streams of the newer era with their results: their clients listen again at another replica."""
        for stream in self._streams:
            stream.close()

    @asynccontextmanager
    async def lifespan(self, _: Server["_Sessions"]) -> AsyncIterator["_Sessions"]:
        """Keep the sessions of the older era that subscribe while the server runs."""
        async with anyio.create_task_group() as tasks:
            sessions = _Sessions(tasks)
            unsubscribe = _subscribe(self.connections, sessions.notify)
            try:
                yield sessions
            finally:
                unsubscribe()
                tasks.cancel_scope.cancel()

    async def subscribe(self, ctx: _Context, params: SubscribeRequestParams) -> EmptyResult:
        """Subscribe this session to an address; MCPError if its content is constant, or may not be read."""
        address = self.resources.followed_at(ctx, params.uri)
        key = None if address is None else await _readable_key(address)
        if address is None or key is None:
            prefix = "CONNECTION/" if self.connections.are_several else ""
            raise MCPError(
                INVALID_PARAMS,
                f"Only tasks that you may read can be subscribed to, by task://{prefix}ID, and "
                f"taskhand://{prefix}events, since nothing else changes.",
                {"uri": params.uri},
            )
        feed = await ctx.lifespan_context.feed_of(ctx)
        if feed.count >= MAX_ADDRESSES and params.uri not in feed:
            raise _too_many_addresses(feed.count + 1)
        end = address.app.feed_demand.subscribe(address.app)
        feed.add(key, params.uri, partial(self._may_notify, ctx, params.uri), end)
        return EmptyResult()

    async def unsubscribe(self, ctx: _Context, params: UnsubscribeRequestParams) -> EmptyResult:
        """Unsubscribe this session from an address."""
        ctx.lifespan_context.remove(ctx, params.uri)
        return EmptyResult()

    async def listen(self, ctx: _Context, params: SubscriptionsListenRequestParams) -> SubscriptionsListenResult:
        """Stream changes; the acknowledgement contains only the addresses that are subscribed."""
        from taskhand.call.parallel_work import concurrent_tasks  # noqa: PLC0415  no start waits for it

        asked = params.notifications.resource_subscriptions or ()
        if len(asked) > MAX_ADDRESSES:
            raise _too_many_addresses(len(asked))
        if len(self._streams) >= self.most_streams:
            raise MCPError(INTERNAL_ERROR, "Too many subscriptions are open; close one, or try again later.")
        addresses = {uri: address for uri in asked if (address := self.resources.followed_at(ctx, uri)) is not None}
        keys = {uri: key for uri, address in addresses.items() if (key := await _readable_key(address)) is not None}
        kept = params.model_copy(update={"notifications": SubscriptionFilter(resource_subscriptions=[*keys] or None)})
        async with concurrent_tasks() as checks:
            stream = ListenHandler(_UpdateBus(self.connections, keys, partial(self._may_notify, ctx), checks))
            self._streams.add(stream)
            ends = [addresses[uri].app.feed_demand.subscribe(addresses[uri].app) for uri in keys]
            try:
                result = await stream(ctx, kept)
            finally:
                self._streams.discard(stream)
                for end in ends:
                    end()
            checks.cancel_scope.cancel()
        return result

    async def _may_notify(self, ctx: _Context, uri: str) -> bool:
        """Whether the subscriber may still read the content of an address under the current rules."""
        address = self.resources.followed_at(ctx, uri)
        return address is not None and await address.is_readable()


async def _readable_key(address: "SubscriptionUri") -> str | None:
    """The key of an address's changes; None if the caller may not read it."""
    try:
        return await address.key() if await address.is_readable() else None
    except TaskhandError:
        return None


class _Sessions:
    """The subscriptions of the sessions of one connection, or of one HTTP server, by session id."""

    def __init__(self, tasks: TaskGroup) -> None:
        self._tasks = tasks
        self._feeds: dict[str | None, SessionFeed] = {}

    def notify(self, key: str) -> None:
        """Notify the sessions that subscribed to this key."""
        for feed in self._feeds.values():
            feed.queue(key)

    async def feed_of(self, ctx: _Context) -> "SessionFeed":
        """The feed of the session of this request; a new one drops the feeds of closed sessions."""
        session_id = _session_id(ctx)
        feed = self._feeds.get(session_id)
        if feed is None:
            from taskhand.server.session_notifications import SessionFeed  # noqa: PLC0415  no session begins with it

            self._feeds[session_id] = feed = SessionFeed(ctx.session)
            self._tasks.start_soon(feed.deliver)
            await self._forget_ended()
        return feed

    async def _forget_ended(self) -> None:
        """Drop the feeds of closed sessions."""
        for session_id, feed in list(self._feeds.items()):
            if not await feed.is_open() and self._feeds.pop(session_id, None) is not None:
                feed.stop()

    def remove(self, ctx: _Context, uri: str) -> None:
        """End a subscription of this request's session, if it exists."""
        if (feed := self._feeds.get(_session_id(ctx))) is not None:
            feed.remove(uri)


class _UpdateBus:
    """The subscriptions of a stream of the newer era: tasks and feeds, under the addresses that its client knows.

    `keys` are by address. `may_notify` is checked before each notification, in a task of `checks`.
    """

    def __init__(
        self,
        connections: Connections,
        keys: Mapping[str, str],
        may_notify: Callable[[str], Awaitable[bool]],
        checks: TaskGroup,
    ) -> None:
        self._connections = connections
        self._addresses = _addresses_by_key(keys.items())
        self._may_notify = may_notify
        self._checks = checks

    async def publish(self, event: ServerEvent) -> None:
        """Do nothing: the service publishes its changes itself."""
        raise NotImplementedError

    def subscribe(self, listener: Callable[[ServerEvent], None]) -> Callable[[], None]:
        """Call the listener for each change."""

        async def notify_allowed(uri: str) -> None:
            if await self._may_notify(uri):
                listener(ResourceUpdated(uri=uri))

        def notify(key: str) -> None:
            for known, addresses in self._addresses.items():
                for uri in addresses if is_among(known, key) else ():
                    self._checks.start_soon(notify_allowed, uri)

        return _subscribe(self._connections, notify)


def _subscribe(connections: Connections, tell: Callable[[str], None]) -> Callable[[], None]:
    """Receive the key of every change on any of the connections, until the returned function is called.

    If any task may have changed, the key is that of EVERY_TASK.
    """

    def tell_of(connection: str | None) -> Callable[[str], None]:
        return lambda task_id: tell(update_key(connection, task_id))

    ends = [app.updates.subscribe(tell_of(app.connection.name)) for app in connections]

    def unsubscribe() -> None:
        for end in ends:
            end()

    return unsubscribe


def _session_id(ctx: _Context) -> str | None:
    """The id of the session over HTTP; None if the connection is the only session."""
    headers: Mapping[str, str] = ctx.request.headers if ctx.request is not None else {}
    return headers.get("mcp-session-id")


def _addresses_by_key(keys: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The addresses by their key."""
    addresses: dict[str, list[str]] = {}
    for uri, key in keys:
        addresses.setdefault(key, []).append(uri)
    return addresses


def _too_many_addresses(count: int) -> MCPError:
    return MCPError(INVALID_PARAMS, f"At most {MAX_ADDRESSES} addresses can be subscribed to at a time, not {count}.")
