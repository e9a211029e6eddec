"""The tool list as a host receives it, and as it is kept in snapshots."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio

from taskhand.server.inside import listed
from taskhand.settings import Settings
from taskhand.wiring import desk

__all__ = ["SNAPSHOTS", "snapshot", "tools_of"]

SNAPSHOTS = Path(__file__).parent / "snapshots"


def tools_of(**settings: Any) -> list[dict[str, Any]]:
    """The tools of a server with these settings, on a store of its own."""

    async def listing() -> list[dict[str, Any]]:
        with TemporaryDirectory() as folder:
            async with desk(Settings(db=Path(folder) / "tasks.sqlite", **settings)) as at:
                return await listed(at)

    return anyio.run(listing)


def snapshot(tool: dict[str, Any]) -> str:
    """A tool as its snapshot file has it."""
    return json.dumps(tool, indent=2, ensure_ascii=False) + "\n"
