"""Notes: appended once with date and author; the existing description is kept."""

from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.types import Implementation

from backends.vambe.backend_case import vambe_sandbox, vambe_settings
from behaviour.agent import Agent, Refused
from behaviour.world import NOW
from taskhand.sandbox.server import serve_sandbox
from taskhand.server.app import create_server
from taskhand.wiring import open_app

LINE = "2026-03-02 Elena: called, will send the offer"
NOTE = "called, will send the offer"


async def _description(agent: Agent, task: dict[str, Any]) -> str | None:
    found: str | None = (await agent("get_task", id=task["id"]))["task"]["description"]
    return found


async def test_a_note_is_appended_with_date_and_author_and_undone(agent: Agent) -> None:
    task = await agent.create(description="  Why <b>\n")
    answer = await agent("update_task", id=task["id"], addNote=NOTE, priority="2")
    assert await _description(agent, task) == f"  Why <b>\n{LINE}"
    await agent("undo_change", changeId=answer["changeId"])
    assert (await agent("get_task", id=task["id"]))["task"] == task


async def test_a_note_is_the_description_of_a_task_that_has_none(worker: Agent) -> None:
    task = await worker.create()
    await worker("update_task", id=task["id"], addNote=f" {NOTE}\n")
    assert await _description(worker, task) == LINE


async def test_the_same_note_is_written_once_a_day_and_another_is_appended(worker: Agent) -> None:
    task = await worker.create(description="Why")
    for _ in range(2):
        await worker("update_task", id=task["id"], addNote=NOTE)
    again = await worker("complete_task", id=task["id"], addNote=NOTE)
    assert "description" not in again["changed"]
    await worker("update_task", id=task["id"], addNote="sent\nboth pages")
    repeated = await worker("update_task", id=task["id"], addNote=NOTE)
    assert not repeated.get("changed")
    assert await _description(worker, task) == f"Why\n{LINE}\n2026-03-02 Elena: sent\nboth pages"


async def test_completing_with_a_note_is_one_change_and_a_finished_task_takes_one_too(agent: Agent) -> None:
    task = await agent.create(description="Why")
    done = await agent("complete_task", id=task["id"], addNote=NOTE)
    after = (await agent("get_task", id=task["id"]))["task"]
    assert (after["status_config"]["type"], after["description"]) == ("done", f"Why\n{LINE}")
    await agent("undo_change", changeId=done["changeId"])
    assert (await agent("get_task", id=task["id"]))["task"] == task
    await agent("complete_task", id=task["id"])
    await agent("complete_task", id=task["id"], addNote="paid")
    assert await _description(agent, task) == "Why\n2026-03-02 Elena: paid"


async def test_a_bulk_change_appends_to_each_description_and_a_repetition_does_not(agent: Agent) -> None:
    tasks = [await agent.create(f"Task {number}", description=f"Why {number}") for number in range(2)]
    sent = {"taskIds": [task["id"] for task in tasks], "changes": {"addNote": NOTE, "priority": "2"}}
    done = await agent("bulk_update_tasks", **sent)
    assert done["totals"] == {"applied": 2}
    assert (await agent("bulk_update_tasks", **sent))["totals"] == {"unchanged": 2}
    assert [await _description(agent, task) for task in tasks] == [f"Why 0\n{LINE}", f"Why 1\n{LINE}"]
    await agent("undo_change", changeId=done["changeId"])
    assert [await _description(agent, task) for task in tasks] == ["Why 0", "Why 1"]


async def test_notes_written_at_the_same_moment_are_all_kept(worker: Agent) -> None:
    task = await worker.create(description="Why")
    async with anyio.create_task_group() as group:
        for number in range(3):
            group.start_soon(partial(worker, "update_task", id=task["id"], addNote=f"note {number}"))
        group.start_soon(partial(worker, "complete_task", id=task["id"], addNote="done"))
    first, *notes = str(await _description(worker, task)).splitlines()
    assert first == "Why"
    assert {note.rpartition(": ")[2] for note in notes} == {"note 0", "note 1", "note 2", "done"}
    assert len(notes) == 4


async def test_a_note_on_a_long_description_is_seen_in_the_plan_and_in_the_answer(worker: Agent) -> None:
    task = await worker.create(description="w" * 5_000)
    plan = await worker("update_task", id=task["id"], addNote=NOTE, dryRun=True)
    (row,) = plan["difference"]
    done = await worker("apply_plan", planId=plan["planId"])
    for changed in (row["changed"], done["changed"]):
        assert changed["description"]["to"].endswith(f"w\n{LINE}")
        assert len(str(changed)) < 400


async def test_a_planned_note_is_bound_to_the_description_that_was_shown(worker: Agent) -> None:
    task = await worker.create(description="Why")
    plan = await worker("update_task", id=task["id"], addNote=NOTE, dryRun=True)
    stale = await worker("update_task", id=task["id"], addNote=NOTE, dryRun=True)
    await worker("apply_plan", planId=plan["planId"])
    with pytest.raises(Refused) as refused:
        await worker("apply_plan", planId=stale["planId"])
    assert refused.value.code == "plan_stale"
    assert await _description(worker, task) == f"Why\n{LINE}"


REFUSED: tuple[tuple[dict[str, Any], str, str], ...] = (
    ({"addNote": "called", "description": "New"}, "several_changes", "description and addNote"),
    ({"addNote": "called", "clear": ["description"]}, "several_changes", "description and addNote"),
    ({"addNote": "called", "description": None, "dueTime": None}, "ambiguous_nulls", "description, .*dueTime"),
    ({"addNote": "\u200b"}, "nothing_to_change", "addNote is empty"),
    ({"addNote": "x" * 10_001}, "invalid_arguments", "10001 characters"),
    ({"addNote": "x" * 9_990}, "too_long", "the description has 50009 characters"),
    ({"addNote": ["called"]}, "invalid_arguments", "addNote must be a string"),
)


async def test_a_note_that_cannot_be_appended_is_refused_and_nothing_is_written(worker: Agent) -> None:
    task = await worker.create(description="w" * 40_000)
    for sent, code, said in REFUSED:
        calls: list[tuple[str, dict[str, Any]]] = [
            ("update_task", {"id": task["id"], "title": "Changed"} | sent),
            ("bulk_update_tasks", {"taskIds": [task["id"]], "changes": {"title": "Changed"} | sent}),
        ]
        calls += [("complete_task", {"id": task["id"]} | sent)] if len(sent) == 1 else []
        for tool, arguments in calls:
            with pytest.raises(Refused, match=said) as refused:
                await worker(tool, **arguments)
            assert refused.value.code == code
    assert (await worker("get_task", id=task["id"]))["task"]["title"] == task["title"]


async def test_an_empty_note_is_not_given(worker: Agent) -> None:
    task = await worker.create(description="Why")
    fillers: tuple[Any, ...] = (None, "", "  ", [], {}, "null", "undefined")
    for number, filler in enumerate(fillers):
        await worker("update_task", id=task["id"], title=f"Task {number}", addNote=filler)
        await worker("bulk_update_tasks", taskIds=[task["id"]], changes={"title": f"{number}", "addNote": filler})
        await worker("complete_task", id=task["id"], addNote=filler)
        with pytest.raises(Refused) as refused:
            await worker("update_task", id=task["id"], addNote=filler)
        assert refused.value.code == "nothing_to_change"
    assert await _description(worker, task) == "Why"


async def test_a_note_beside_a_null_that_says_nothing_keeps_the_description(worker: Agent) -> None:
    task = await worker.create(description="Why")
    blank: tuple[dict[str, Any], ...] = (
        {"description": None},
        {"description": ""},
        {"description": None, "clear": []},
    )
    for number, sent in enumerate(blank):
        await worker("update_task", id=task["id"], addNote=f"note {number}", **sent)
        changes = {"addNote": f"other note {number}", "title": "", "responsibleIds": None} | sent
        await worker("bulk_update_tasks", taskIds=[task["id"]], changes=changes)
    first, *notes = str(await _description(worker, task)).splitlines()
    assert (first, len(notes)) == ("Why", 6)


async def test_a_note_of_an_unknown_person_has_the_client_as_author_and_the_zones_day(tmp_path: Path) -> None:
    late = {"clock": NOW.replace(hour=2), "timezone": "America/Santiago", "journal": tmp_path / "journal.sqlite"}
    info = Implementation(name="claude-ai", version="1")
    async with (
        serve_sandbox(vambe_sandbox()) as url,
        open_app(vambe_settings(url, vambe_user_id=None, **late)) as app,
        Client(create_server(app), client_info=info) as client,
    ):
        agent = Agent(client)
        task = await agent.create(responsibleIds=[])
        await agent("update_task", id=task["id"], addNote=NOTE)
        assert await _description(agent, task) == f"2026-03-01 claude-ai: {NOTE}"
