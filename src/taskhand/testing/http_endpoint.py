"""A server under test over Streamable HTTP, for agents that cannot share its process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from mcp.server import Server

from taskhand.sandbox.server import serve_sandbox

__all__ = ["serve_on_loopback"]


@dataclass(frozen=True, slots=True)
class _Endpoint:
    app: Any


@asynccontextmanager
async def serve_on_loopback(server: Server[Any]) -> AsyncIterator[str]:
    """Serve in the running event loop, on a free port of loopback; the URL of the MCP endpoint."""
    app = server.streamable_http_app()
    async with app.router.lifespan_context(app), serve_sandbox(_Endpoint(app)) as base:
        yield f"{base}/mcp"
