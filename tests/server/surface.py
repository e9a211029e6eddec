"""The tool list as a host receives it, and as it is kept in snapshots."""

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import anyio
from mcp import Client

from taskhand.backends.base import Backend
from taskhand.backends.registry import FACTORIES
from taskhand.config.settings import Settings
from taskhand.domain.capabilities import Capabilities
from taskhand.server.in_process_client import list_tools
from taskhand.wiring import open_app

__all__ = ["BACKENDS", "SNAPSHOTS", "capabilities_of", "feed_remark_of", "snapshot", "tool_names", "tools_of"]

SNAPSHOTS = Path(__file__).parent / "snapshots"
_T = TypeVar("_T")


BACKENDS: dict[str, dict[str, Any]] = {
    factory.name: {
        name: "key" for name in (*factory.credentials, *factory.required) if name.upper() in factory.questions
    }
    for factory in FACTORIES
}
"""Settings that choose each backend: what `taskhand install` requires; nothing of them connects."""


def capabilities_of(backend: str) -> Capabilities:
    """What a backend can express."""
    return _look_at(backend, lambda opened: opened.capabilities)


def feed_remark_of(backend: str) -> str | None:
    """What the change feed of a backend does not tell."""
    return _look_at(backend, lambda opened: opened.event_source.remark if opened.event_source else None)


def _look_at(backend: str, read: Callable[[Backend], _T]) -> _T:
    async def looking() -> _T:
        async with open_app(Settings(**BACKENDS[backend])) as at:
            return read(at.backend)

    return anyio.run(looking)


def tools_of(**settings: Any) -> list[dict[str, Any]]:
    """The tools of a server with these settings, on a store of its own."""

    async def listing() -> list[dict[str, Any]]:
        with TemporaryDirectory() as folder:
            async with open_app(Settings(db=Path(folder) / "tasks.sqlite", **settings)) as at:
                return await list_tools(at)

    return anyio.run(listing)


def snapshot(tool: dict[str, Any] | list[dict[str, Any]]) -> str:
    """A tool, or a list of tools, as its snapshot file has it."""
    return json.dumps(tool, indent=2, ensure_ascii=False) + "\n"


async def tool_names(client: Client) -> list[str]:
    """The names of the tools as a host sees them."""
    return [tool.name for tool in (await client.list_tools()).tools]
