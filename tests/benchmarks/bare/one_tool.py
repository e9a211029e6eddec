"""A minimal server with one tool."""

from mcp.server import MCPServer

server = MCPServer("bare")


@server.tool()
def hello(name: str) -> str:
    """Say the name."""
    return name


server.run("stdio")
