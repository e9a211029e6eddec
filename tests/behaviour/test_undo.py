"""Undo: the values from before are restored, and only if the task has not changed since."""

from typing import Any

import pytest

from behaviour.agent import Agent, Refused


async def _whole(agent: Agent, task_id: str) -> dict[str, Any]:
    task: dict[str, Any] = (await agent("get_task", id=task_id))["task"]
    return task


@pytest.mark.parametrize(
    ("tool", "sent"),
    [
        ("update_task", {"title": "New title", "dueDate": "2026-04-01", "priority": "2"}),
        ("complete_task", {}),
        ("reassign_task", {"responsibleIds": ["Ana Soto"]}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_undo_restores_one_task_exactly(worker: Agent, tool: str, sent: dict[str, Any]) -> None:
    task = await worker.create(dueDate="2026-03-10")
    change = await worker(tool, id=task["id"], **sent)
    assert change["task"] != task
    undone = await worker("undo_change", changeId=change["changeId"])
    assert undone["task"] == await _whole(worker, task["id"]) == task
    again = await worker("undo_change", changeId=undone["changeId"])
    assert again["task"] == change["task"]


async def test_undo_restores_every_task_of_a_bulk_change(worker: Agent) -> None:
    tasks = [await worker.create(f"Task {number}", dueDate=f"2026-03-1{number}") for number in range(3)]
    change = await worker("bulk_update_tasks", taskIds=[task["id"] for task in tasks], shiftDueDays=7)
    assert change["totals"] == {"applied": 3}
    undone = await worker("undo_change", changeId=change["changeId"])
    assert undone["totals"] == {"applied": 3}
    assert [await _whole(worker, task["id"]) for task in tasks] == tasks


async def test_undo_restores_the_written_tasks_of_a_bulk_change_that_skipped_one(worker: Agent) -> None:
    tasks = [await worker.create(f"Task {number}", priority=priority) for number, priority in enumerate("121")]
    change = await worker("bulk_update_tasks", taskIds=[task["id"] for task in tasks], changes={"priority": "2"})
    assert change["totals"] == {"applied": 2, "unchanged": 1}
    undone = await worker("undo_change", changeId=change["changeId"])
    assert undone["totals"] == {"applied": 2}
    assert [(await _whole(worker, task["id"]))["priority"] for task in tasks] == [1, 2, 1]


async def test_undo_is_refused_with_the_difference_if_the_task_changed_since(worker: Agent) -> None:
    task = await worker.create()
    change = await worker("update_task", id=task["id"], title="New title")
    await worker("update_task", id=task["id"], priority="2")
    with pytest.raises(Refused) as refused:
        await worker("undo_change", changeId=change["changeId"])
    assert refused.value.code == "changed_since"
    assert refused.value.error["difference"][0]["changed"] == {"priority": {"from": 1, "to": 2}}
    assert (await _whole(worker, task["id"]))["title"] == "New title"


async def test_undo_of_a_bulk_change_skips_the_tasks_that_changed_since(worker: Agent) -> None:
    tasks = [await worker.create(f"Task {number}") for number in range(3)]
    change = await worker("bulk_update_tasks", taskIds=[task["id"] for task in tasks], changes={"priority": "2"})
    await worker("update_task", id=tasks[1]["id"], title="Another title")
    undone = await worker("undo_change", changeId=change["changeId"])
    assert undone["totals"] == {"applied": 2, "refused": 1}
    assert [(await _whole(worker, task["id"]))["priority"] for task in tasks] == [1, 2, 1]


async def test_undo_of_a_create_plans_the_deletion_of_its_task(worker: Agent) -> None:
    body = {"title": "Call Acme", "responsibleIds": ["me"], "priority": "1"}
    made = await worker("create_task", **body)
    plan = await worker("undo_change", changeId=made["changeId"])
    assert plan["difference"][0]["does"] == "delete"
    assert await worker.listed() == ["Call Acme"]
    await worker("apply_plan", planId=plan["planId"])
    assert await worker.listed() == []


async def test_undo_of_a_deletion_makes_a_new_task_and_lists_the_lost_fields(worker: Agent) -> None:
    task = await worker.create(dueDate="2026-03-10", responsibleIds=["Ana Soto"])
    task = (await worker("complete_task", id=task["id"]))["task"]
    plan = await worker("delete_task", id=task["id"])
    gone = await worker("apply_plan", planId=plan["planId"])
    assert await worker.listed() == []
    back = await worker("undo_change", changeId=gone["changeId"])
    own = {"id", "created_at", "creator_id", "url"}
    assert {key: value for key, value in back["task"].items() if key not in own} == {
        key: value for key, value in task.items() if key not in own
    }
    assert back["task"]["id"] != task["id"]
    assert "not restored: id, created_at, creator_id" in back["note"]


async def test_a_change_that_wrote_nothing_cannot_be_undone(worker: Agent) -> None:
    task = await worker.create()
    same = await worker("update_task", id=task["id"], title="Call Acme")
    for change_id, code in ((same["changeId"], "nothing_to_undo"), ("chg_no_such", "change_not_found")):
        with pytest.raises(Refused) as refused:
            await worker("undo_change", changeId=change_id)
        assert refused.value.code == code


async def test_undo_of_a_deletion_repeats_only_after_its_new_task_was_deleted(worker: Agent) -> None:
    task = await worker.create(dueDate="2026-03-10")
    plan = await worker("delete_task", id=task["id"])
    gone = await worker("apply_plan", planId=plan["planId"])
    for _ in range(2):
        back = await worker("undo_change", changeId=gone["changeId"])
        again = await worker("undo_change", changeId=gone["changeId"])
        assert (again["task"], again["changeId"], again["replayed"]) == (back["task"], back["changeId"], True)
        assert await worker.listed() == ["Call Acme"]
        plan = await worker("delete_task", id=back["task"]["id"])
        await worker("apply_plan", planId=plan["planId"])


async def test_two_plans_to_undo_one_deletion_make_one_task(worker: Agent) -> None:
    task = await worker.create(dueDate="2026-03-10")
    plan = await worker("delete_task", id=task["id"])
    gone = await worker("apply_plan", planId=plan["planId"])
    plans = [await worker("undo_change", changeId=gone["changeId"], dryRun=True) for _ in range(2)]
    back = await worker("apply_plan", planId=plans[0]["planId"])
    again = await worker("apply_plan", planId=plans[1]["planId"])
    assert (again["task"], again["replayed"]) == (back["task"], True)
    assert "undone before" in again["note"]
    assert await worker.listed() == ["Call Acme"]
