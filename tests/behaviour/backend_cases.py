"""The backends that the suite runs on: those of the registry, by their `backend_case`, and the example."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from time import monotonic

import anyio

from backends.example.adapter import ExampleAdapter
from backends.example.client import ExampleClient
from behaviour.gaps import gaps_of
from behaviour.world import CAROLINA, DUE, NOW, SMALL_WORLD, BackendCase, World
from server.surface import capabilities_of
from taskhand.backends.registry import NAMES
from taskhand.backends.remote.timing import Timing
from taskhand.config.connection_settings import ConnectionSettings
from taskhand.config.settings import Settings
from taskhand.service.app_context import AppContext
from taskhand.service.lazy import Lazy
from taskhand.wiring import open_journal

__all__ = ["BACKEND_CASES"]


@asynccontextmanager
async def _example(folder: Path, world: World = SMALL_WORLD) -> AsyncIterator[AppContext]:
    settings = Settings(db=folder / "tasks.sqlite", journal=folder / "journal.sqlite", clock=NOW)
    active = [dict(person) for person in world.people if person.get("active", True)]
    client = ExampleClient(lambda: NOW, active, [CAROLINA | {"name": world.carolina}])
    if world.theirs is not None:
        due = {"at": f"{DUE}T00:00:00.000Z", "zone": None, "all_day": True}
        body = {"title": world.theirs, "people": [world.people[-1]["id"]], "due": due, "priority": 1}
        await client.create(body)
    adapter = ExampleAdapter(client, None, Timing(lambda: NOW, monotonic, anyio.sleep))
    async with AsyncExitStack() as stack:
        journal = open_journal(ConnectionSettings.of(settings))
        stack.push_async_callback(journal.aclose)
        yield AppContext(adapter, Lazy(lambda: journal), lambda: NOW)


_FOLDER = Path(__file__).parent.parent / "backends"
_registered: list[BackendCase] = [
    replace(case, gaps=gaps_of(capabilities_of(name)) | case.gaps)
    for name in NAMES
    if (_FOLDER / name / "backend_case.py").exists()
    for case in [import_module(f"backends.{name}.backend_case").BACKEND]
]
BACKEND_CASES = (_registered[0], BackendCase("example", _example, names_former_members=False), *_registered[1:])
