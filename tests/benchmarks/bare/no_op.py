"""A no-op tool over the SDK's Streamable HTTP; the first line on stderr has the address."""

import socket
import sys

import uvicorn
from mcp.server import MCPServer

server = MCPServer("bare", log_level="CRITICAL")


@server.tool()
async def nothing() -> dict[str, str]:
    """Do nothing."""
    return {}


bound = socket.create_server(("127.0.0.1", 0))
# Taskhand sets it, too: without it every small answer would wait for an acknowledgement.
bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
sys.stderr.write(f"bare serves http://127.0.0.1:{bound.getsockname()[1]}/mcp\n")
sys.stderr.flush()
uvicorn.Server(uvicorn.Config(server.streamable_http_app(), log_level="critical")).run(sockets=[bound])
