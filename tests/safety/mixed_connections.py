"""One server of three connections: `north` is a HubSpot and `south` a Close, both sandboxed, and `home` a store."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mcp import Client

from backends.slow_transport import NetworkTime
from journals import journal_at
from safety.account import Agent
from safety.crms import CLOSE, HUBSPOT
from safety.odd_row import OddRow
from safety.silent_transport import SilentTransport
from taskhand.backends.local.people_and_statuses import sequential_id
from taskhand.backends.local.sqlite import open_file_store
from taskhand.sandbox.emulator import Emulator
from taskhand.sandbox.server import serve_sandbox
from taskhand.server.app import create_server
from taskhand.service.app_context import AppContext, CallTime
from taskhand.service.connections import Connections
from taskhand.service.lazy import Lazy

__all__ = ["MixedConnections", "open_mixed_connections"]


@dataclass(frozen=True)
class MixedConnections:
    """The server's connections, an agent, and the way to each CRM by its connection."""

    connections: Connections
    agent: Agent
    sandboxes: dict[str, Emulator]
    transports: dict[str, SilentTransport]
    time: NetworkTime

    def requests(self, name: str) -> list[str]:
        """What a CRM was asked, as methods with paths."""
        return [f"{request.method} {request.path}" for request in self.sandboxes[name].requests]

    def forget_requests(self) -> None:
        """Count from here."""
        for sandbox in self.sandboxes.values():
            sandbox.clear_requests()


@asynccontextmanager
async def open_mixed_connections(
    folder: Path, tasks: int = 3, closed: str | None = None, odd: dict[str, Any] | None = None
) -> AsyncIterator[MixedConnections]:
    """The server, each CRM with so many tasks of whoever asks; nothing listens at the port of the one that is `closed`.

    All are in Santiago but the store, which is in Madrid and calls its second status `Con Legal`. The first task of
    `north` has the fields of `odd`.
    """
    time = NetworkTime()
    sandboxes = {"north": HUBSPOT.sandbox(tasks, time, ()), "south": CLOSE.sandbox(tasks, time, ())}
    transports = {name: SilentTransport(time) for name in sandboxes}
    served = OddRow(sandboxes["north"], HUBSPOT.task_id(1))
    served.odd = odd or {}
    async with serve_sandbox(served) as north_url, serve_sandbox(sandboxes["south"]) as south_url:
        urls = {"north": north_url, "south": south_url}
        if closed:
            urls[closed] = "http://127.0.0.1:9"  # of a service that no machine has any more
        async with (
            HUBSPOT.sandboxed_app(urls["north"], time, transport=transports["north"]) as north,
            CLOSE.sandboxed_app(urls["south"], time, transport=transports["south"]) as south,
            _home(folder, time) as home,
        ):
            apps = {"north": north, "south": south, "home": home}
            connections = Connections(
                {name: replace(app, connection=replace(app.connection, name=name)) for name, app in apps.items()}
            )
            async with Client(create_server(connections)) as client:
                yield MixedConnections(connections, Agent(client), sandboxes, transports, time)


@asynccontextmanager
async def _home(folder: Path, time: NetworkTime) -> AsyncIterator[AppContext]:
    backend = open_file_store(
        folder / "tasks.sqlite", clock=time.moment, new_id=sequential_id, user="Elena", timezone="Europe/Madrid"
    )
    await backend.edit(lambda directory: directory.rename_status("En Progreso", "Con Legal"))
    async with journal_at(time.moment) as journal:
        yield AppContext(
            backend, Lazy(lambda: journal), time.moment, "Europe/Madrid", call_time=CallTime(monotonic=time.clock)
        )
        await backend.aclose()
