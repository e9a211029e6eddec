"""A plain MCP client: start Taskhand, create a task, restart it, and find the task still there.

Usage: python run.py STORE_FILE
"""

import sys
from typing import Any

import anyio
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client


def taskhand(store: str) -> Client:
    """A client of a Taskhand of its own, as a host would start it."""
    return Client(stdio_client(StdioServerParameters(command=sys.executable, args=["-m", "taskhand", "--db", store])))


async def main(store: str) -> None:
    """Create a task in one run of the server and read it in the next."""
    async with taskhand(store) as client:
        body: dict[str, Any] = {"title": "Call Acme", "responsibleIds": ["me"], "priority": "1"}
        created = await client.call_tool("create_task", body)
        assert created.structured_content
        task = created.structured_content["task"]
        print("created", task["title"], "in status", task["status"])

    async with taskhand(store) as client:
        read = await client.call_tool("get_task", {"id": task["id"]})
        assert read.structured_content
        assert read.structured_content["task"]["title"] == task["title"]
        print("still there after a restart")


if __name__ == "__main__":
    if len(sys.argv) != 2:  # noqa: PLR2004  the program and its argument
        sys.exit("Usage: python run.py STORE_FILE")
    anyio.run(main, sys.argv[1])
