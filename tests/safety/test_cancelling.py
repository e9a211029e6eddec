"""The caller of a bulk change gives up in the middle: nothing more is sent, and the journal has every result."""

from dataclasses import replace
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint
from mcp import Client

from backends.vambe import sandboxed_app as on_vambe
from behaviour.conftest import ERAS
from safety.account import Agent, newest_change, to_journal_line, to_logged_line
from safety.crms import VAMBE
from safety.gate import Gate
from taskhand.sandbox.server import serve_sandbox
from taskhand.server.app import create_server
from taskhand.service.app_context import WritePolicy
from time_limits import BOUND_S
from virtual_time import Time

TASKS, HELD = 60, 20
A_WHILE = 50
"""Rounds of the event loop within which a cancellation reaches the server."""


@pytest.mark.parametrize("era", ERAS)
async def test_a_cancelled_bulk_stops_sending_and_journals_every_result(era: str) -> None:
    sandbox = on_vambe.vambe(TASKS)
    gate, go_on, gave_up, given_up = Gate(sandbox), anyio.Event(), anyio.Event(), anyio.CancelScope()
    gate.after_write = lambda number: go_on.wait() if number >= HELD else None
    told: list[tuple[float, float | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        del message
        told.append((progress, total))
        if progress == HELD - 1:
            given_up.cancel()
            gave_up.set()

    async def answer_again() -> None:
        await gave_up.wait()
        for _ in range(A_WHILE):
            await checkpoint()
        go_on.set()

    ids = VAMBE.ids(TASKS)
    asked: dict[str, Any] = {"taskIds": ids, "changes": {"title": "Again"}}
    async with serve_sandbox(gate) as url, on_vambe.sandboxed_app(url, Time(), vambe_in_flight=4) as app:
        app = replace(app, policy=WritePolicy(plan_over=TASKS), call_time=replace(app.call_time, write_tick_s=0.001))  # noqa: PLW2901  the same with another policy
        async with Client(create_server(app), mode=era) as client, anyio.create_task_group() as others:
            others.start_soon(answer_again)
            with anyio.fail_after(BOUND_S), given_up:
                await Agent(client).watched("bulk_update_tasks", asked, hear)
        change = await newest_change(app)
        assert change is not None
        assert change.ending is not None
        results = {str(result.task_id): result.outcome for result in change.results.values()}
        renamed = [task["id"] for task in sandbox.tasks if task["title"] == "Again"]
        assert sorted(results) == sorted(ids)
        assert [one for one in ids if results[one] == "applied"] == renamed
        assert {results[one] for one in ids if one not in renamed} == {"not_attempted"}
        assert HELD <= len(renamed) < TASKS
        assert sorted(map(to_journal_line, change.ending.requests)) == sorted(map(to_logged_line, sandbox.requests))
        assert told[0] == (0, TASKS)
        assert [done for done, _ in told] == sorted(done for done, _ in told)
        async with Client(create_server(app), mode=era) as client:
            answer = await Agent(client)("bulk_update_tasks", **asked)
        assert answer["totals"] == {"unchanged": len(renamed), "applied": TASKS - len(renamed)}


async def test_progress_is_reported_at_every_tick() -> None:
    sandbox = on_vambe.vambe(TASKS)
    gate, go_on = Gate(sandbox), anyio.Event()
    gate.after_write = lambda number: go_on.wait() if number >= HELD else None
    told: list[float] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        del message
        assert total == TASKS
        told.append(progress)
        if told.count(HELD - 1) == 3:  # nothing comes in meanwhile, and it is said all the same
            go_on.set()

    async with serve_sandbox(gate) as url, on_vambe.sandboxed_app(url, Time(), vambe_in_flight=4) as app:
        app = replace(app, policy=WritePolicy(plan_over=TASKS), call_time=replace(app.call_time, write_tick_s=0.001))  # noqa: PLW2901  as above
        async with Client(create_server(app)) as client:
            asked = {"taskIds": VAMBE.ids(TASKS), "changes": {"title": "Again"}}
            with anyio.fail_after(BOUND_S):
                await Agent(client).watched("bulk_update_tasks", asked, hear)
    assert (told[0], told[-1]) == (0, TASKS)
    assert told == sorted(told)


async def test_cancelled_creates_stop_sending_and_the_rest_is_created_once_by_going_on() -> None:
    sandbox = on_vambe.vambe(1)
    gate, go_on, given_up = Gate(sandbox), anyio.Event(), anyio.CancelScope()
    tasks = [{"title": f"New {number:02}", "responsibleIds": ["me"], "priority": "1"} for number in range(HELD * 2)]

    async def hold(number: int) -> None:
        if number == HELD:
            given_up.cancel()
            for _ in range(A_WHILE):
                await checkpoint()
            go_on.set()
        if number >= HELD:
            await go_on.wait()

    gate.after_write = hold
    async with serve_sandbox(gate) as url, on_vambe.sandboxed_app(url, Time(), vambe_in_flight=4) as app:
        app = replace(app, policy=WritePolicy(plan_over=TASKS))  # noqa: PLW2901  the same with another policy
        async with Client(create_server(app)) as client:
            with given_up:
                await Agent(client)("create_tasks", tasks=tasks)
        change = await newest_change(app)
        assert change is not None
        made = [task["title"] for task in sandbox.tasks if task["title"].startswith("New")]
        outcomes = [change.results[index].outcome for index in range(len(tasks))]
        assert [task["title"] for task, one in zip(tasks, outcomes, strict=True) if one == "applied"] == sorted(made)
        assert HELD <= len(made) < len(tasks)
        assert outcomes.count("not_attempted") == len(tasks) - len(made)
        async with Client(create_server(app)) as client:
            done = await Agent(client)("apply_plan", planId=change.id)
        assert done["totals"] == {"applied": len(tasks)}
        assert sorted(task["title"] for task in sandbox.tasks if task["title"].startswith("New")) == [
            task["title"] for task in tasks
        ]
