"""A server in this process and a raw connection to it, so that a profile shows the server's work only."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import anyio
from mcp.server import Server
from mcp.shared.memory import MessageStream, create_client_server_memory_streams
from mcp.shared.message import SessionMessage
from mcp.types import CallToolResult, JSONRPCNotification, JSONRPCRequest, JSONRPCResponse

__all__ = ["InProcessConnection", "connect_in_process"]

_HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}


class InProcessConnection:
    """A connection to the server; one request at a time."""

    def __init__(self, streams: MessageStream) -> None:
        self._read, self._write = streams
        self._last = 0

    async def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """The result of a request; AssertionError for an error."""
        self._last += 1
        await self._write.send(
            SessionMessage(JSONRPCRequest(jsonrpc="2.0", id=self._last, method=method, params=params))
        )
        async for answer in self._read:
            assert isinstance(answer, SessionMessage), answer
            if isinstance(answer.message, JSONRPCResponse):
                return answer.message.result
        raise AssertionError("the server has ended")

    async def hello(self) -> None:
        """Initialize the session."""
        await self.ask("initialize", _HELLO)
        await self._write.send(SessionMessage(JSONRPCNotification(jsonrpc="2.0", method="notifications/initialized")))

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured answer of a tool; AssertionError for a refusal."""
        result = CallToolResult.model_validate(await self.ask("tools/call", {"name": tool, "arguments": arguments}))
        assert not result.is_error, result.content
        return cast("dict[str, Any]", result.structured_content)


@asynccontextmanager
async def connect_in_process(server: Server[Any]) -> AsyncIterator[InProcessConnection]:
    """An initialized connection."""
    async with create_client_server_memory_streams() as (near, far), anyio.create_task_group() as tasks:
        tasks.start_soon(server.run, *far, server.create_initialization_options())
        connection = InProcessConnection(near)
        await connection.hello()
        yield connection
        tasks.cancel_scope.cancel()
