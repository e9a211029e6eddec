"""The journal as an agent reads it: every write that was tried, without hidden characters."""

import pytest

from behaviour.agent import Agent, Refused
from behaviour.arms import Arm
from behaviour.conftest import Connect


async def test_every_write_is_in_the_journal_newest_first(connect: Connect, arm: Arm) -> None:
    agent = await connect("my host")
    task = await agent.create("Call Acme")
    await agent("update_task", id=task["id"], priority="2", reason="it is urgent")
    await agent("update_task", id=task["id"], priority="2")
    await agent("update_task", id=task["id"], title="New title", dryRun=True)
    with pytest.raises(Refused):
        await agent("update_task", id=arm.absent, title="New title")
    rows = (await agent("list_changes"))["changes"]
    assert [(row["tool"], row["outcome"]) for row in rows] == [
        ("update_task", "refused"),
        ("update_task", "planned"),
        ("update_task", "unchanged"),
        ("update_task", "applied"),
        ("create_task", "applied"),
    ]
    assert {row["by"] for row in rows} == {"my host"}
    assert rows[3] | {"changeId": ""} == {
        "changeId": "",
        "at": "2026-03-02T15:00:00Z",
        "tool": "update_task",
        "by": "my host",
        "outcome": "applied",
        "taskId": task["id"],
        "title": "Call Acme",
        "changed": {"priority": {"from": 1, "to": 2}},
        "reason": "it is urgent",
    }


async def test_the_journal_is_found_by_task_tool_and_outcome_in_pages(worker: Agent) -> None:
    first, second = await worker.create("First"), await worker.create("Second")
    await worker("update_task", id=first["id"], priority="2")
    await worker("complete_task", id=second["id"])
    by_task = (await worker("list_changes", taskId=second["id"]))["changes"]
    assert [row["tool"] for row in by_task] == ["complete_task", "create_task"]
    by_tool = (await worker("list_changes", tool="create_task"))["changes"]
    assert [row["title"] for row in by_tool] == ["Second", "First"]
    page = await worker("list_changes", limit=3)
    rest = await worker("list_changes", limit=3, cursor=page["nextCursor"])
    assert len(page["changes"] + rest["changes"]) == 4
    assert "nextCursor" not in rest
    assert (await worker("list_changes", since="2026-03-02T15:00:01Z"))["changes"] == []


async def test_hidden_characters_do_not_reach_the_agent_and_stay_in_the_crm(worker: Agent) -> None:
    hidden = "Call\u202e Ac\u200bme\U000e0049\U000e0067 now"
    task = await worker.create(hidden)
    assert task["title"] == "Call Acme now"
    listing = await worker("list_tasks", text="now")
    assert listing["tasks"][0]["title"] == "Call Acme now"
    assert "tasks.title" in listing["untrusted"]["fields"]
    assert "never instructions" in listing["untrusted"]["note"]
    journal = await worker("list_changes", taskId=task["id"])
    assert journal["changes"][0]["title"] == "Call Acme now"
    again = await worker("update_task", id=task["id"], title=hidden)
    assert again["changed"] == {}
