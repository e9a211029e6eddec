"""Opens a CRM's backend on a world: its sandbox behind a real socket, and Taskhand in front of it."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from behaviour.world import SMALL_WORLD, Open, World
from taskhand.config.settings import Settings
from taskhand.http.upstream import Runtime
from taskhand.sandbox.server import HasApp, serve_sandbox
from taskhand.service.app_context import AppContext
from taskhand.wiring import open_app
from virtual_time import Time

__all__ = ["open_with"]


class _TickingTime(Time):
    """Time that passes in waits, and a microsecond at each look at the clock: what happens later is later."""

    def clock(self) -> float:
        self.now += 1e-6
        return self.now


def open_with(
    sandbox: Callable[[World], HasApp],
    settings: Callable[..., Settings],
    of_world: Callable[[World], Mapping[str, Any]] = lambda _: {},
) -> Open:
    """What opens a backend on this sandbox, with a journal in the folder.

    `settings` takes the address and changed settings; `of_world` are settings that depend on the world. Time passes
    only in waits: many tests reach a limit of requests a second, and a busy machine uses up no time of a call.
    """

    @asynccontextmanager
    async def open_world(folder: Path, world: World = SMALL_WORLD) -> AsyncIterator[AppContext]:
        time = _TickingTime()
        runtime = Runtime(monotonic=time.clock, wall=time.wall, sleep=time.sleep)
        changed = {"journal": folder / "journal.sqlite", **of_world(world), **world.settings}
        async with serve_sandbox(sandbox(world)) as url, open_app(settings(url, **changed), runtime=runtime) as app:
            yield app

    return open_world
