"""Serves the board's site; its calls go to the server through a client in this process."""

import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import uvicorn
from mcp import Client
from mcp.client.extension import advertise
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS, Implementation

from taskhand import __version__
from taskhand.server.access import PAGE_TYPE, PAGES
from taskhand.server.app import TaskhandServer
from taskhand.server.board.admission import Admission
from taskhand.server.board.site import BoardSite, CallTool
from taskhand.server.tools import TOOLS
from taskhand.server.transports.http_connection import connection_class
from taskhand.server.transports.http_limits import HttpLimits
from taskhand.server.transports.http_refusal_log import RefusalLines, quiet_libraries
from taskhand.server.transports.listening_socket import bind
from taskhand.server.transports.open_http_connections import OpenConnections

__all__ = ["CLIENT", "serve_board"]

CLIENT: Final = "taskhand board"
"""The name of the client in the journal."""
_FOR_PAGE: Final = frozenset(tool.name for tool in TOOLS if tool.is_called_by_board)
_LIMITS: Final = HttpLimits.of_this_machine()


@asynccontextmanager
async def serve_board(
    served: TaskhandServer, start: Sequence[Mapping[str, Any]], *, port: int = 0, calls_end_s: int = 50
) -> AsyncIterator[tuple[str, Callable[[], Coroutine[Any, Any, None]]]]:
    """Serve the board until a signal has come and the calls under way have ended; yields its URL and the server.

    The URL admits one browser. `start` are the site's initial calls. OperatorError for a port that is taken.
    """
    pages = advertise(PAGES, {"mimeTypes": [PAGE_TYPE]})
    named = Implementation(name=CLIENT, version=__version__)
    with bind("127.0.0.1", port) as bound, quiet_libraries(time.monotonic):
        number, admission = bound.getsockname()[1], Admission()
        async with Client(served, client_info=named, extensions=[pages]) as client:
            app = BoardSite(_make_caller(client), admission, start).app(number)
            connections = OpenConnections(_LIMITS, lambda _: True, RefusalLines(time.monotonic))
            config = uvicorn.Config(
                app,
                http=connection_class(_LIMITS, connections),
                ws="none",
                lifespan="off",
                log_level="critical",
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=calls_end_s,
            )

            async def serve() -> None:
                server = uvicorn.Server(config)
                try:
                    await server.serve(sockets=[bound])
                finally:
                    for listening in getattr(server, "servers", ()):  # a cancelled server does not close them
                        listening.close()

            yield f"http://127.0.0.1:{number}/#{admission.token}", serve


def _make_caller(client: Client) -> CallTool:
    """A function that calls the board's tools; it refuses other tools, as a host does."""

    async def call(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if name not in _FOR_PAGE:
            return {"error": {"code": INVALID_PARAMS, "message": f"{name[:60]} is not for the board."}}
        try:
            result = await client.call_tool(name, arguments)
        except MCPError as error:
            return {"error": {"code": error.code, "message": error.message}}
        return {"result": result.model_dump(mode="json", by_alias=True, exclude_none=True)}

    return call
