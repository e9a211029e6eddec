"""The least that a server can be: one tool, nothing behind it."""

from mcp.server import MCPServer

server = MCPServer("bare")


@server.tool()
def hello(name: str) -> str:
    """Say the name."""
    return name


server.run("stdio")
