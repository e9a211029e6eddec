"""A tool that only sends one PUT to Vambe."""

import os
from typing import Any

import httpx2
from mcp.server import MCPServer

server = MCPServer("bare")
client = httpx2.AsyncClient(
    base_url=os.environ["VAMBE_BASE_URL"], headers={"x-api-key": os.environ["VAMBE_API_KEY"]}, timeout=30
)


@server.tool()
async def update_task(id: str, title: str) -> dict[str, Any]:  # noqa: A002  the documented name
    """Set the title of a task."""
    response = await client.put(f"/api/public/tasks/{id}", json={"title": title})
    task: dict[str, Any] = response.raise_for_status().json()
    return task


server.run("stdio")
