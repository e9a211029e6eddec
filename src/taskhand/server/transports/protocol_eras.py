"""Both protocol eras on one connection: each message is served in its own era.

The SDK chooses the era of a whole connection by its first request, and then refuses the other era. It would refuse a
host that sends `server/discover` and then falls back to `initialize`. A request of 2026-07-28 names its version in its
`_meta`; every other message belongs to the older era.
"""

import math
from collections.abc import AsyncIterable
from contextlib import aclosing
from functools import partial
from typing import Any, Final, Self

import anyio
from anyio.streams.memory import MemoryObjectSendStream
from mcp.server import Server
from mcp.server.runner import serve_dual_era_loop, serve_loop
from mcp.shared.message import SessionMessage
from mcp.types import PROTOCOL_VERSION_META_KEY, JSONRPCError, JSONRPCNotification, JSONRPCRequest, JSONRPCResponse

from taskhand.server.transports.standard_streams import MessageSink

__all__ = ["serve_both_eras"]

_LAST_ANSWERS_S: Final = 0.3
"""Seconds after the end of the input in which requests may still be answered: a client may send everything and close.
"""
_HANDSHAKE: Final = frozenset({"initialize", "ping"})
"""Requests of the older era, even if a client adds `_meta` to them: the newer era does not have them."""
_LISTEN: Final = "subscriptions/listen"
"""A request that is answered only when the server ends it."""
_CANCELLED: Final = "notifications/cancelled"

_ToEra = MemoryObjectSendStream[SessionMessage | Exception]


async def serve_both_eras(
    server: Server[Any],
    read: AsyncIterable[SessionMessage],
    write: MessageSink,
    last_answers_s: float = _LAST_ANSWERS_S,
) -> None:
    """Serve until `read` ends and its requests are answered, or `last_answers_s` have passed; then close `write`."""
    # The streams have no limit, because no request waits for the answer of another: a client that does not read answers
    # would keep the end of the input from being seen.
    older, older_requests = anyio.create_memory_object_stream[SessionMessage | Exception](math.inf)
    newer, newer_requests = anyio.create_memory_object_stream[SessionMessage | Exception](math.inf)
    connection = _EraRouter(older, newer, write)
    async with aclosing(write), server.lifespan(server) as state, anyio.create_task_group() as tasks, older, newer:
        options = server.create_initialization_options()
        serve_older = partial(serve_loop, lifespan_state=state, init_options=options)
        serve_newer = partial(serve_dual_era_loop, lifespan_state=state)
        tasks.start_soon(serve_older, server, older_requests, connection)
        tasks.start_soon(serve_newer, server, newer_requests, connection)
        async for message in read:
            await connection.route(message)
        with anyio.move_on_after(last_answers_s):
            await connection.wait_until_answered()


class _EraRouter:
    """Routes each message to the loop of its era, and counts the requests that wait for an answer.

    Both loops send their messages through it. Neither loop closes it, because the other loop still needs it.
    """

    def __init__(self, older: _ToEra, newer: _ToEra, write: MessageSink) -> None:
        self._older, self._newer, self._write = older, newer, write
        self._fallback: _ToEra | None = None
        """The era of a request that does not name its version: that era answers with what is missing."""
        self._waiting = 0
        self._answered = anyio.Event()

    async def route(self, message: SessionMessage) -> None:
        """Send a message from the client to the loop of its era."""
        body = message.message
        if isinstance(body, JSONRPCRequest):
            self._waiting += body.method != _LISTEN
            await self._era_of(body).send(message)
        elif isinstance(body, JSONRPCNotification) and body.method == _CANCELLED:
            await self._newer.send(message)  # the era in which the request runs cancels it
            await self._older.send(message)
        else:
            await self._older.send(message)

    async def send(self, item: SessionMessage, /) -> None:
        """Send a message from the server to the client."""
        try:
            await self._write.send(item)
        finally:
            if isinstance(item.message, JSONRPCResponse | JSONRPCError):
                self._waiting -= 1
                self._answered.set()

    async def aclose(self) -> None:
        """Do nothing: the other loop may still send."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Do nothing: the other loop may still send."""

    async def wait_until_answered(self) -> None:
        """Return when no request waits for an answer."""
        while self._waiting > 0:
            self._answered = anyio.Event()
            await self._answered.wait()

    def _era_of(self, request: JSONRPCRequest) -> _ToEra:
        if request.method in _HANDSHAKE:
            self._fallback = self._older if request.method == "initialize" else self._fallback
            return self._older
        if _names_version(request):
            self._fallback = self._fallback or self._newer
            return self._newer
        return self._fallback or self._older


def _names_version(request: JSONRPCRequest) -> bool:
    """Whether the request names its protocol version, as every request of the newer era does."""
    meta = (request.params or {}).get("_meta")
    return isinstance(meta, dict) and PROTOCOL_VERSION_META_KEY in meta
