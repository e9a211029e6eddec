"""`resolution` in Close: set when a task is completed, shown in lists, and removed by an undo or a reopening."""

import pytest

from backends.close.sandboxed_app import CAROLINA, TASK, close, row, task_id
from backends.close.test_safe_writes import agent_on
from behaviour.agent import Refused
from taskhand.sandbox.close import CloseSandbox

CALL, MISSED = task_id(2), task_id(3)


def make_sandbox() -> CloseSandbox:
    return close([row(1), row(2, _type="outgoing_call", contact_id=CAROLINA), row(3, _type="missed_call")])


def ends(sandbox: CloseSandbox) -> list[tuple[bool, str | None]]:
    return [(task["is_complete"], task.get("resolution")) for task in sandbox.tasks]


async def test_a_resolution_is_planned_applied_listed_and_undone() -> None:
    sandbox = make_sandbox()
    async with agent_on(sandbox) as agent:
        plan = await agent("complete_task", id=TASK, resolution="skipped", dryRun=True)
        assert plan["difference"][0]["changed"]["resolution"] == {"from": None, "to": "skipped"}
        done = await agent("apply_plan", planId=plan["planId"])
        assert done["changed"]["resolution"]["to"] == "skipped"
        call = await agent("update_task", id=CALL, newStatusName="Completed", resolution="abandoned")
        assert call["task"]["resolution"] == "abandoned"
        assert ends(sandbox) == [(True, "skipped"), (True, "abandoned"), (False, None)]
        listed = await agent("list_tasks", fields=["resolution"])
        assert {one["id"]: one["resolution"] for one in listed["tasks"]} == {
            TASK: "skipped",
            CALL: "abandoned",
            MISSED: None,
        }
        await agent("complete_task", id=TASK, resolution="abandoned")
        assert ends(sandbox)[0] == (True, "abandoned")
        gone = await agent("delete_task", id=CALL)
        gone = await agent("apply_plan", planId=gone["planId"])
        await agent("undo_change", changeId=gone["changeId"])
        assert ends(sandbox)[-1] == (True, "abandoned")
        many = await agent("bulk_update_tasks", taskIds=[TASK], changes={"newStatusName": "Open"})
        await agent("undo_change", changeId=many["changeId"])
        assert ends(sandbox)[0] == (True, "abandoned")


async def test_undo_reopens_a_task_and_removes_its_resolution() -> None:
    sandbox = make_sandbox()
    async with agent_on(sandbox) as agent:
        changes = {"newStatusName": "Completed", "resolution": "skipped"}
        done = await agent("bulk_update_tasks", taskIds=[TASK, CALL, MISSED], changes=changes)
        assert done["totals"] == {"applied": 2, "refused": 1}
        assert ends(sandbox) == [(True, "skipped"), (True, "skipped"), (False, None)]
        await agent("undo_change", changeId=done["changeId"])
    assert ends(sandbox) == [(False, None), (False, None), (False, None)]


async def test_a_resolution_is_removed_by_reopening_by_finishing_without_one_and_by_clear() -> None:
    left = {"resolution": "abandoned"}
    sandbox = close(
        [row(1, is_complete=True, **left), row(2, **left), row(3, is_complete=True, **left), row(4, **left)]
    )
    gone = {"from": "abandoned", "to": None}
    async with agent_on(sandbox) as agent:
        opened = await agent("update_task", id=TASK, newStatusName="Open")
        assert opened["changed"]["resolution"] == gone
        done = await agent("complete_task", id=task_id(2))
        assert done["changed"]["resolution"] == gone
        assert "resolution" not in (await agent("complete_task", id=task_id(3)))["changed"]
        cleared = await agent("update_task", id=task_id(3), clear=["resolution"])
        assert cleared["changed"] == {"resolution": gone}
        for changes in ({"resolution": "abandoned"}, {"resolution": "abandoned", "newStatusName": "Open"}):
            with pytest.raises(Refused, match="not finished"):
                await agent("bulk_update_tasks", taskIds=[task_id(4)], changes=changes)
        many = await agent("bulk_update_tasks", taskIds=[task_id(4)], changes={"newStatusName": "Completed"})
        assert ends(sandbox) == [(False, None), (True, None), (True, None), (True, None)]
        await agent("undo_change", changeId=opened["changeId"])
        await agent("undo_change", changeId=many["changeId"])
        assert ends(sandbox) == [(True, "abandoned"), (True, None), (True, None), (False, "abandoned")]
        await agent("bulk_update_tasks", taskIds=[TASK], changes={"title": "New", "resolution": None})
        with pytest.raises(Refused, match="clear names it"):
            await agent("update_task", id=TASK, resolution="skipped", clear=["resolution"])
    assert ends(sandbox)[0] == (True, "abandoned")


@pytest.mark.parametrize(
    ("tool", "sent", "why"),
    [
        ("update_task", {"id": TASK, "resolution": "skipped"}, "not finished"),
        ("update_task", {"id": TASK, "resolution": "skipped", "newStatusName": "Open"}, "not finished"),
        ("update_task", {"id": TASK, "resolution": "done", "newStatusName": "Completed"}, "resolution"),
        ("update_task", {"id": TASK, "newStatusName": "Abandoned"}, "abandoned is no status: it is a resolution"),
        ("complete_task", {"id": TASK, "newStatusName": "skipped"}, "skipped is no status"),
        ("complete_task", {"id": MISSED, "resolution": "skipped"}, "to-dos and outgoing calls only"),
    ],
)
async def test_a_resolution_without_effect_is_refused(tool: str, sent: dict[str, str], why: str) -> None:
    sandbox = make_sandbox()
    async with agent_on(sandbox) as agent:
        for plan in ({}, {"dryRun": True}):
            with pytest.raises(Refused, match=why):
                await agent(tool, **sent, **plan)
    assert not any(one.committed for one in sandbox.requests)
