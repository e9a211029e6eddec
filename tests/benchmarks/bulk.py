"""A thousand tasks handed over in one call: how near the rate limit on Vambe, how many requests on the others."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import anyio

from backends.close import wired as on_close
from backends.hubspot import wired as on_hubspot
from behaviour.arms import NOW, PEOPLE, WORLD, vambe_settings
from benchmarks.figure import Found
from benchmarks.within import connected
from taskhand.sandbox.emulator import Emulator
from taskhand.sandbox.server import serve
from taskhand.sandbox.vambe import VambeSandbox
from taskhand.server.app import create_server
from taskhand.service.app_context import AppContext, WritePolicy
from taskhand.wiring import open_app

__all__ = ["measure"]

TASKS = 1_000
RATE = 25
"""Requests a second that Vambe is said to allow: more than the default, so that it does not take minutes."""


def measure(tasks: int = TASKS) -> Found:
    """All three, one after the other: requests are counted, and only Vambe's are timed, against its limit."""
    return anyio.run(_measure, tasks)


async def _measure(tasks: int) -> Found:
    async with _vambe(tasks) as there:
        ids = [f"7a5c0000-0000-4000-8000-{number:012}" for number in range(1, tasks + 1)]
        took = await _handed_over(there, ids, str(PEOPLE[1]["id"]))
    least = (tasks - RATE) / RATE  # the first second's worth leaves at once
    close = on_close.close(tasks)
    async with serve(close) as url, on_close.wired(url, on_close.Time()) as there:
        await _handed_over(there, [on_close.task_id(number) for number in range(1, tasks + 1)], on_close.ANA)
    hubspot = on_hubspot.hubspot(world=on_hubspot.seed(tasks), spec_variant=["searches=0", "burst=0", "search_lag=0"])
    async with serve(hubspot) as url, on_hubspot.wired(url, on_hubspot.Time()) as there:
        await _handed_over(there, [on_hubspot.task_id(number) for number in range(1, tasks + 1)], on_hubspot.ANA)
    return Found(
        {
            "bulk vambe": 100 * least / took,
            "bulk close": _sent(close),
            "bulk hubspot": _sent(hubspot),
        }
    )


@asynccontextmanager
async def _vambe(tasks: int) -> AsyncIterator[AppContext]:
    """Vambe with so many tasks of Elena's, in real time."""
    rows = [
        {"id": f"7a5c0000-0000-4000-8000-{number:012}", "title": f"Call Acme {number}", "priority": "1"}
        | {"responsibleIds": [PEOPLE[0]["id"]]}
        for number in range(1, tasks + 1)
    ]
    sandbox = VambeSandbox(seed=WORLD | {"tasks": rows}, clock=lambda: NOW)
    with TemporaryDirectory() as folder:
        settings = {"journal": Path(folder) / "journal.sqlite", "vambe_rate": RATE}
        async with serve(sandbox) as url, open_app(vambe_settings(url, **settings)) as there:
            yield there


async def _handed_over(there: AppContext, ids: list[str], to: str) -> float:
    """Seconds from the call to its answer; it is not stopped at a plan, which would look at every task twice."""
    at_once = replace(there, policy=WritePolicy(plan_over=len(ids)))
    async with connected(create_server(at_once)) as client:
        begin = perf_counter()
        answer = await client.call("bulk_update_tasks", taskIds=ids, changes={"responsibleIds": [to]})
        took = perf_counter() - begin
    assert answer["totals"] == {"applied": len(ids)}, answer
    return took


def _sent(sandbox: Emulator) -> int:
    """All requests, those that look up people and statuses included."""
    return len(sandbox.requests)
