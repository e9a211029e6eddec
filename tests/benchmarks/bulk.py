"""One bulk update of a thousand tasks: its speed against Vambe's rate limit, its requests on Close and HubSpot."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import anyio

from backends.close import sandboxed_app as on_close
from backends.hubspot import sandboxed_app as on_hubspot
from backends.vambe.backend_case import WORLD, vambe_settings
from behaviour.world import NOW, PEOPLE
from benchmarks.figure import Measurement
from benchmarks.in_process import connect_in_process
from taskhand.sandbox.emulator import Emulator
from taskhand.sandbox.server import serve_sandbox
from taskhand.sandbox.vambe import VambeSandbox
from taskhand.server.app import create_server
from taskhand.service.app_context import AppContext, WritePolicy
from taskhand.wiring import open_app

__all__ = ["measure"]

TASKS = 1_000
RATE = 25
"""The configured requests per second to Vambe; more than the default, because that would take minutes."""


def measure(tasks: int = TASKS) -> Measurement:
    """All three CRMs: the requests of Close and HubSpot are counted, those of Vambe are timed."""
    return anyio.run(_measure, tasks)


async def _measure(tasks: int) -> Measurement:
    async with _vambe(tasks) as app:
        ids = [f"7a5c0000-0000-4000-8000-{number:012}" for number in range(1, tasks + 1)]
        seconds = await _bulk_seconds(app, ids, str(PEOPLE[1]["id"]))
    least = (tasks - RATE) / RATE  # the requests of the first second leave at once
    close = on_close.close(tasks)
    async with serve_sandbox(close) as url, on_close.sandboxed_app(url, on_close.Time()) as app:
        await _bulk_seconds(app, [on_close.task_id(number) for number in range(1, tasks + 1)], on_close.ANA)
    hubspot = on_hubspot.hubspot(world=on_hubspot.seed(tasks), spec_variant=["searches=0", "burst=0", "search_lag=0"])
    async with serve_sandbox(hubspot) as url, on_hubspot.sandboxed_app(url, on_hubspot.Time()) as app:
        await _bulk_seconds(app, [on_hubspot.task_id(number) for number in range(1, tasks + 1)], on_hubspot.ANA)
    return Measurement(
        {
            "bulk vambe": 100 * least / seconds,
            "bulk close": _request_count(close),
            "bulk hubspot": _request_count(hubspot),
        }
    )


@asynccontextmanager
async def _vambe(tasks: int) -> AsyncIterator[AppContext]:
    """A Vambe sandbox with this many tasks of Elena's, on a running clock."""
    rows = [
        {"id": f"7a5c0000-0000-4000-8000-{number:012}", "title": f"Call Acme {number}", "priority": "1"}
        | {"responsibleIds": [PEOPLE[0]["id"]]}
        for number in range(1, tasks + 1)
    ]
    sandbox = VambeSandbox(seed=WORLD | {"tasks": rows}, clock=lambda: NOW)
    with TemporaryDirectory() as folder:
        settings = {"journal": Path(folder) / "journal.sqlite", "vambe_rate": RATE}
        async with serve_sandbox(sandbox) as url, open_app(vambe_settings(url, **settings)) as app:
            yield app


async def _bulk_seconds(app: AppContext, ids: list[str], responsible_id: str) -> float:
    """Seconds from the call to its answer. The call does not stop at a plan, which would read every task twice."""
    unplanned = replace(app, policy=WritePolicy(plan_over=len(ids)))
    async with connect_in_process(create_server(unplanned)) as client:
        begin = perf_counter()
        answer = await client.call("bulk_update_tasks", taskIds=ids, changes={"responsibleIds": [responsible_id]})
        seconds = perf_counter() - begin
    assert answer["totals"] == {"applied": len(ids)}, answer
    return seconds


def _request_count(sandbox: Emulator) -> int:
    """All requests, including those for people and statuses."""
    return len(sandbox.requests)
