"""A client of a server in this process; it receives the same as a host."""

from typing import Any

from mcp import Client
from mcp.types import Implementation, TextContent

from taskhand import __version__
from taskhand.server.access import EVERYONE, Access
from taskhand.server.app import create_server
from taskhand.service.app_context import AppContext
from taskhand.service.connections import Connections

__all__ = ["call_tool", "list_tools"]


async def list_tools(served: AppContext | Connections, access: Access = EVERYONE) -> list[dict[str, Any]]:
    """The tool list as a host receives it."""
    async with Client(create_server(served, access=access)) as client:
        answer = await client.list_tools()
    return [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in answer.tools]


async def call_tool(
    served: AppContext | Connections, tool: str, sent: dict[str, Any], access: Access = EVERYONE
) -> tuple[str, bool]:
    """The answer of one tool as text, and whether it is an error."""
    named = Implementation(name="taskhand call", version=__version__)  # the journal names the client of a change
    async with Client(create_server(served, access=access), client_info=named) as client:
        result = await client.call_tool(tool, sent)
    return "".join(part.text for part in result.content if isinstance(part, TextContent)), result.is_error
