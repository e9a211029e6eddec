"""A configured key in the text of a task stays out of the journal; what it kept without the key is never written."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from behaviour.agent import Refused
from behaviour.world import NOW
from file_stores import store_in
from journals import numbered
from safety.account import Agent
from taskhand.domain.edit import Edit
from taskhand.journal.journal import Caller, Intent, Opening
from taskhand.journal.journal_owner import AccountOwner
from taskhand.journal.sqlite import SqliteJournal
from taskhand.server.app import create_server
from taskhand.service.app_context import AppContext
from taskhand.service.crash_recovery import recover_abandoned
from taskhand.service.lazy import Lazy
from whole_answers import WHOLE

KEY = "pat-na1-configured-4711"
TEXT = f"Call Acme with {KEY}"
BODY: dict[str, Any] = {"title": TEXT, "responsibleIds": ["me"], "priority": "1", "idempotencyKey": "one"}


def journal_in(folder: Path) -> SqliteJournal:
    path = folder / "journal.sqlite"
    return SqliteJournal(AccountOwner(path, "test"), clock=lambda: NOW, new_id=numbered, secrets=[KEY])


@asynccontextmanager
async def agent_in(folder: Path) -> AsyncIterator[Agent]:
    app = AppContext(store_in(folder), Lazy(lambda: journal_in(folder)), lambda: NOW, surface=WHOLE)
    async with Client(create_server(app)) as client:
        yield Agent(client)
    await app.aclose()


async def refusal(agent: Agent, tool: str, **arguments: Any) -> str:
    with pytest.raises(Refused) as refused:
        await agent(tool, **arguments)
    return str(refused.value.code)


async def test_a_key_in_a_text_stays_out_of_the_journal_and_everything_else_works(tmp_path: Path) -> None:
    async with agent_in(tmp_path) as agent:
        made = await agent("create_task", **BODY)
        task_id = made["task"]["id"]
        assert (await agent("create_task", **BODY))["task"]["id"] == task_id
        for change in ({"priority": "2"}, {"description": f"as {KEY} says"}):
            done = await agent("update_task", id=task_id, **change)
            undone = await agent("undo_change", changeId=done["changeId"])
            assert undone["task"]["title"] == TEXT
        await agent("update_task", id=task_id, description=f"as {KEY} says")
        await agent("update_task", id=task_id, addNote="called")
        assert (await agent("get_task", id=task_id))["task"]["description"].startswith(f"as {KEY} says\n2026-03-02 ")
        plan = await agent("update_task", id=task_id, priority="0", dryRun=True)
        assert (await agent("apply_plan", planId=plan["planId"]))["task"]["title"] == TEXT
        assert KEY not in str(await agent("list_changes"))
    journal = journal_in(tmp_path)
    verified = await journal.verify()
    await journal.aclose()
    assert verified.fault is None
    for file in tmp_path.glob("journal.sqlite*"):  # noqa: ASYNC240  nothing else runs
        assert KEY.encode() not in file.read_bytes()


async def test_a_text_that_the_journal_kept_without_a_key_is_never_written(tmp_path: Path) -> None:
    async with agent_in(tmp_path) as agent:
        task_id = (await agent("create_task", **BODY))["task"]["id"]
        renamed = await agent("update_task", id=task_id, title="Call Acme")
        assert await refusal(agent, "undo_change", changeId=renamed["changeId"]) == "key_not_kept"
        plan = await agent("update_task", id=task_id, title=TEXT, dryRun=True)
        assert await refusal(agent, "apply_plan", planId=plan["planId"]) == "key_not_kept"
        assert (await agent("get_task", id=task_id))["task"]["title"] == "Call Acme"
        await agent("update_task", id=task_id, title=TEXT)
        deletion = await agent("delete_task", id=task_id)
        gone = await agent("apply_plan", planId=deletion["planId"])
        assert await refusal(agent, "undo_change", changeId=gone["changeId"]) == "key_not_kept"
        assert (await agent("list_tasks"))["tasks"] == []


async def test_a_killed_create_with_a_key_in_its_text_is_unknown_and_not_repeated(tmp_path: Path) -> None:
    journal = journal_in(tmp_path)
    change, _ = await journal.begin(Opening("create_task", Caller(), NOW), [Intent("create", edit=Edit(title=TEXT))])
    await journal.aclose()
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    await recover_abandoned(app)
    found = await app.journal.find(change.id)
    await app.aclose()
    assert found is not None
    assert found.outcome == "unknown"
