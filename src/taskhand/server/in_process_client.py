"""A client of a server in this process; it sees the same as a host."""

from typing import Any

from mcp import Client
from mcp.types import Implementation, TextContent

from taskhand import __version__
from taskhand.server.app import create_server
from taskhand.service.app_context import AppContext

__all__ = ["call_tool", "list_tools"]


async def list_tools(app: AppContext) -> list[dict[str, Any]]:
    """The tool list as a host receives it."""
    async with Client(create_server(app)) as client:
        answer = await client.list_tools()
    return [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in answer.tools]


async def call_tool(app: AppContext, tool: str, sent: dict[str, Any]) -> tuple[str, bool]:
    """The answer of one tool as text, and whether it is an error."""
    named = Implementation(name="taskhand call", version=__version__)  # the journal names the client of a change
    async with Client(create_server(app), client_info=named) as client:
        result = await client.call_tool(tool, sent)
    return "".join(part.text for part in result.content if isinstance(part, TextContent)), result.is_error
