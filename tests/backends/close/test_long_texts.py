"""Long texts of tasks in Close, which documents no limit."""

from backends.close.sandboxed_app import ELENA, LEAD, TASK, close, row
from backends.close.test_safe_writes import agent_on

LONG = "Call about the offer. " * 150
HUGE = "Read the whole file. " * 800


async def test_a_long_text_is_created_kept_and_changed() -> None:
    sandbox = close([row(1, text=LONG), row(2, text=HUGE)])
    async with agent_on(sandbox) as agent:
        kept = await agent("update_task", id=TASK, priority="2")
        assert kept["changed"].keys() == {"priority"}
        changed = await agent("update_task", id=TASK, title=f"{LONG}And the price.")
        assert sandbox.tasks[0]["text"] == f"{LONG}And the price."
        await agent("undo_change", changeId=changed["changeId"])
        assert sandbox.tasks[0]["text"] == LONG
        new = await agent("create_task", title=LONG, responsibleIds=[ELENA], aiCustomerId=LEAD)
        assert new["task"]["title"] == LONG.strip()
        done = await agent("bulk_update_tasks", taskIds=[TASK], changes={"title": f"Now: {LONG}"})
        assert done["totals"] == {"applied": 1}


async def test_a_long_text_that_was_shown_cut_is_changed_by_its_mark() -> None:
    sandbox = close([row(1, text=HUGE)])
    async with agent_on(sandbox) as agent:
        shown = (await agent("get_task", id=TASK))["task"]["title"]
        assert len(shown) < len(HUGE)
        assert "left out" in shown or "more" in shown or "…" in shown
        [listed] = (await agent("list_tasks"))["tasks"]
        assert len(listed["title"]) < 200
        await agent("update_task", id=TASK, title=f"Soon: {listed['title']}")
    assert sandbox.tasks[0]["text"] == f"Soon: {HUGE}"
