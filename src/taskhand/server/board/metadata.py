"""The board's metadata for hosts: its page, the tools that show it, and the tools that it may call; pure."""

import hashlib
import re
from functools import cache
from typing import Any, Final

from mcp.types import ReadResourceResult, TextResourceContents
from mcp.types import Resource as ListedResource

from taskhand.server.access import PAGE_TYPE, CallerView
from taskhand.server.board.page import board_page
from taskhand.server.tool import Tool

__all__ = ["BOARD", "answer_metadata", "board_address", "is_board", "list_board", "read_board", "tool_metadata"]

BOARD: Final = "ui://taskhand/board"
_ADDRESS: Final = re.compile(rf"{BOARD}(?:(?:@|%40)[^/]*)?")
_METADATA: Final[dict[str, Any]] = {
    "ui": {
        "csp": {"connectDomains": [], "resourceDomains": [], "frameDomains": [], "baseUriDomains": []},
        "prefersBorder": True,
    }
}
"""The page loads nothing from the network: it talks only to its host."""
_CACHED_MS: Final = 86_400_000
_LEGACY_KEY: Final = "ui/resourceUri"
"""The key for hosts older than the specification of 2026-01-26, which still allows it."""


@cache
def board_address() -> str:
    """The address of the page, with a hash of it: hosts cache a page by its address."""
    return f"{BOARD}@{hashlib.sha256(board_page().encode()).hexdigest()[:12]}"


def is_board(uri: str) -> bool:
    """Whether an address is that of the board, or of an earlier version of it."""
    return _ADDRESS.fullmatch(uri) is not None


def list_board() -> ListedResource:
    """The page, as a client lists it."""
    return ListedResource(
        uri=board_address(),
        name="board",
        title="Task board",
        description="A page that a host shows beside answers: tasks, plans to apply, changes to undo.",
        mime_type=PAGE_TYPE,
        _meta=_METADATA,
    )


def read_board(uri: str) -> ReadResourceResult:
    """The page, for any of its addresses; it is the same for every caller and contains no data."""
    page = TextResourceContents(uri=uri, text=board_page(), mime_type=PAGE_TYPE, _meta=_METADATA)
    cached_ms = _CACHED_MS if uri == board_address() else 0
    return ReadResourceResult(contents=[page], ttl_ms=cached_ms, cache_scope="public")


def tool_metadata(tool: Tool[Any]) -> dict[str, Any]:
    """Whether the board is shown beside the answers of a tool, and who may call the tool."""
    visibility = ["model", "app"] if tool.is_called_by_board else ["model"]
    if not tool.is_on_board:
        return {"ui": {"visibility": visibility}}
    address = board_address()
    return {"ui": {"resourceUri": address, "visibility": visibility}, _LEGACY_KEY: address}


def answer_metadata(view: CallerView) -> dict[str, Any]:
    """The tools that the page may call for this caller now, and the connections if there are several."""
    tools = [tool.name for tool in view.offered.tools if tool.is_called_by_board]
    names = {"connections": [*view.connections.names]} if view.connections.are_several else {}
    return {"taskhand/board": {"tools": tools, **names}}
