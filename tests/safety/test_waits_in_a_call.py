"""A call waits no longer than its limit: for an answer of a person, for a task lock and for a file that is written."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

import anyio
import pytest
from anyio.abc import TaskStatus
from mcp import Client
from mcp.types import ElicitRequestParams, ElicitResult

from behaviour.agent import Refused
from safety.account import Agent
from safety.killable_server import app_at
from taskhand.domain.edit import Edit
from taskhand.server.app import create_server
from taskhand.service.app_context import AppContext, CallTime
from time_limits import BOUND_S

CALL_S = 1.0
BUSY_S = 10.0
"""What a call of a second takes at most on a machine that is busy; without a limit it would take 45."""


@asynccontextmanager
async def store(folder: Path) -> AsyncIterator[tuple[AppContext, str]]:
    """A server's app context on a store with one task, whose calls take a second at most."""
    async with app_at("local", "", folder) as app:
        written = await app.backend.create_task(Edit(title="Call Acme", priority=1))
        yield replace(app, call_time=CallTime(limit_s=CALL_S)), written.task.id


async def call_in_time(agent: Agent, tool: str, **arguments: Any) -> dict[str, Any]:
    """The answer of a tool, which comes in time."""
    began = monotonic()
    try:
        return await agent(tool, **arguments)
    finally:
        assert monotonic() - began < BUSY_S


async def test_a_question_without_an_answer_ends_in_the_plan_and_a_late_answer_is_ignored(tmp_path: Path) -> None:
    late, answered = anyio.Event(), anyio.Event()
    questions: list[str] = []

    async def never_in_time(context: Any, params: ElicitRequestParams) -> ElicitResult:
        del context
        questions.append(params.message)
        with anyio.CancelScope(shield=True):
            await late.wait()
            answered.set()
        return ElicitResult(action="accept", content={"confirm": True})

    async with store(tmp_path) as (app, task_id):
        client = Client(create_server(app), mode="legacy", elicitation_callback=never_in_time)
        async with client:
            agent = Agent(client)
            plan = await call_in_time(agent, "delete_task", id=task_id)
            assert plan["planId"]
            assert "The person did not answer the question, or the host did not show it." in plan["note"]
            assert len(questions) == 1
            late.set()
            with anyio.fail_after(BOUND_S):
                await answered.wait()
            assert (await call_in_time(agent, "get_task", id=task_id))["task"]["id"] == task_id
            # The next question is a new one, and its answer comes in time.
            done = await call_in_time(agent, "apply_plan", planId=plan["planId"])
            assert done["changeId"]
            assert len(questions) == 2
            with pytest.raises(Refused):
                await agent("get_task", id=task_id)


async def test_a_call_does_not_wait_longer_for_another_one_on_the_same_task(tmp_path: Path) -> None:
    async with store(tmp_path) as (app, task_id), Client(create_server(app)) as client:

        async def hold(*, task_status: TaskStatus[None]) -> None:
            async with app.lock(task_id):
                task_status.started()
                await anyio.sleep_forever()

        async with anyio.create_task_group() as others:
            await others.start(hold)
            with pytest.raises(Refused) as refused:
                await call_in_time(Agent(client), "update_task", id=task_id, title="Again")
            others.cancel_scope.cancel()
        assert (refused.value.code, refused.value.error["retryable"]) == ("in_progress", True)


@pytest.mark.parametrize("file", ["journal.sqlite", "tasks.sqlite"])
async def test_many_calls_do_not_wait_longer_for_a_file_that_another_process_writes(tmp_path: Path, file: str) -> None:
    codes: list[str] = []
    async with store(tmp_path) as (app, task_id), Client(create_server(app)) as client:
        agent = Agent(client)
        await agent("update_task", id=task_id, title="Again")

        async def write(number: int) -> None:
            began = monotonic()
            try:
                await agent("create_task", title=f"New {number}", responsibleIds=["me"], priority="1")
            except Refused as refused:
                codes.append(refused.code)
            assert monotonic() - began < BUSY_S

        with closing(sqlite3.connect(tmp_path / file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            async with anyio.create_task_group() as calls:
                for number in range(4):
                    calls.start_soon(write, number)
            other.execute("ROLLBACK")
    assert codes == ["store_busy"] * 4
