"""A connection to a server in this process, spoken to by raw messages, as a host speaks over standard input."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.server import Server
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter

from server.transports.server_process import META
from taskhand.server.transports.protocol_eras import serve_both_eras
from time_limits import BOUND_S

__all__ = ["INITIALIZED", "Message", "RawConnection", "connect_raw", "newer", "older"]

Message = dict[str, Any]

INITIALIZED: Message = {"jsonrpc": "2.0", "method": "notifications/initialized"}
"""What follows the answer to `initialize`."""


class RawConnection:
    """Sends messages as they stand, and keeps what the server sends."""

    def __init__(
        self, send: MemoryObjectSendStream[SessionMessage], receive: MemoryObjectReceiveStream[SessionMessage]
    ) -> None:
        self._send, self._receive = send, receive
        self.notifications: list[Message] = []

    async def send(self, message: Message) -> None:
        """Send one message."""
        await self._send.send(SessionMessage(jsonrpc_message_adapter.validate_python(message, by_name=False)))

    async def ask(self, message: Message) -> Message:
        """The answer to a request; notifications that come first are kept."""
        await self.send(message)
        while (answer := await self.receive()).get("id") != message["id"] or "method" in answer:
            self.notifications.append(answer)
        return answer

    async def close(self) -> None:
        """Send nothing more."""
        await self._send.aclose()

    async def receive(self) -> Message:
        """The next message of the server's."""
        with anyio.fail_after(BOUND_S):
            message = (await self._receive.receive()).message
        return message.model_dump(mode="json", by_alias=True, exclude_unset=True)


@asynccontextmanager
async def connect_raw(
    server: Server[Any], *, buffer: int = 100, last_answers_s: float = 0
) -> AsyncIterator[RawConnection]:
    """A connection of this server's, on which so many messages wait for a client that does not read."""
    to_server, read = anyio.create_memory_object_stream[SessionMessage]()
    write, from_server = anyio.create_memory_object_stream[SessionMessage](buffer)

    async def serve() -> None:
        async with read:
            await serve_both_eras(server, read, write, last_answers_s)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve)
        async with to_server, from_server:
            yield RawConnection(to_server, from_server)


def older(method: str, request_id: int | str, **params: Any) -> Message:
    """A request of 2025-11-25."""
    return {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}


def newer(method: str, request_id: int | str, **params: Any) -> Message:
    """A request of 2026-07-28."""
    return older(method, request_id, **params, _meta=META)
