"""An agent on a server whose backend is the Vambe sandbox: over a real socket, with sleeps that take no time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

from mcp import Client

from backends.vambe.backend_case import vambe_settings
from behaviour.agent import Agent
from taskhand.http.upstream import Runtime
from taskhand.sandbox.server import serve_sandbox
from taskhand.sandbox.vambe import VambeSandbox
from taskhand.server.app import create_server
from taskhand.wiring import open_app
from virtual_time import Time
from whole_answers import with_whole_answers

__all__ = ["connected"]


@asynccontextmanager
async def connected(sandbox: VambeSandbox, **settings: Any) -> AsyncIterator[Agent]:
    """An agent whose server is configured for `sandbox`; `settings` are fields of Settings."""
    slept = Time()
    runtime = Runtime(monotonic=lambda: slept.clock() + monotonic(), sleep=slept.sleep)
    with TemporaryDirectory(prefix="taskhand-journal-") as folder:
        journal = Path(folder) / "journal.sqlite"
        async with (
            serve_sandbox(sandbox) as url,
            open_app(vambe_settings(url, journal=journal, **settings), runtime=runtime) as at,
            Client(create_server(with_whole_answers(at))) as client,
        ):
            yield Agent(client)
