"""The journal as an agent reads it: every write that was tried, without hidden characters."""

from datetime import datetime

import pytest

from behaviour.agent import Agent, Refused
from behaviour.conftest import Connect
from behaviour.world import BackendCase


async def test_every_write_is_in_the_journal_newest_first(connect: Connect, backend: BackendCase) -> None:
    agent = await connect("my host")
    task = await agent.create("Call Acme")
    await agent("update_task", id=task["id"], priority="2", reason="it is urgent")
    await agent("update_task", id=task["id"], priority="2")
    plan = await agent("update_task", id=task["id"], title="New title", dryRun=True)
    with pytest.raises(Refused):
        await agent("update_task", id=backend.absent, title="New title")
    rows = (await agent("list_changes"))["changes"]
    assert [(row["tool"], row["outcome"]) for row in rows] == [
        ("update_task", "refused"),
        ("update_task", "unchanged"),
        ("update_task", "applied"),
        ("create_task", "applied"),
    ]
    assert {row["by"] for row in rows} == {"my host"}
    assert rows[2] | {"changeId": ""} == {
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
    assert datetime.fromisoformat(plan["expiresAt"]) > datetime.fromisoformat(rows[2]["at"])
    assert plan["expiresAt"].endswith("Z")  # one form for every time


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


async def test_a_plan_is_listed_only_when_asked_for_and_has_no_change_id(worker: Agent) -> None:
    task = await worker.create("Call Acme")
    plan = await worker("update_task", id=task["id"], title="New title", dryRun=True)
    assert [row["tool"] for row in (await worker("list_changes", taskId=task["id"]))["changes"]] == ["create_task"]
    [row] = (await worker("list_changes", outcome="planned"))["changes"]
    assert (row["planId"], row["changed"]) == (plan["planId"], {"title": {"from": "Call Acme", "to": "New title"}})
    assert "changeId" not in row
    named = await worker("list_changes", changeId=plan["planId"])
    assert named["note"] == "This is a plan, not a change: nothing was written by it. apply_plan carries it out."
    assert (named["changes"][0]["planId"], named["tasks"][0]["outcome"]) == (plan["planId"], "planned")
    done = await worker("apply_plan", planId=plan["planId"])
    named = await worker("list_changes", changeId=plan["planId"])
    assert named["note"].endswith(f"{done['changeId']} carried it out.")
    [row, _] = (await worker("list_changes", taskId=task["id"]))["changes"]
    assert (row["changeId"], row["planId"]) == (done["changeId"], plan["planId"])


async def test_a_change_of_many_names_its_tasks_and_pages_through_all_of_them(worker: Agent) -> None:
    ids = [(await worker.create(f"Task {number}"))["id"] for number in range(5)]
    await worker("update_task", id=ids[4], priority="2")
    change = await worker("bulk_update_tasks", taskIds=ids, changes={"priority": "2"})
    answer = await worker("list_changes", limit=1)
    row = answer["changes"][0]
    assert "names the first 3" in answer["note"]
    assert row["tasks"] == [{"id": one, "title": f"Task {number}"} for number, one in enumerate(ids[:3])]
    assert row["totals"] == {"applied": 4, "unchanged": 1}
    seen: list[dict[str, object]] = []
    cursor: dict[str, str] = {}
    while True:
        page = await worker("list_changes", changeId=change["changeId"], limit=2, **cursor)
        assert [one["changeId"] for one in page["changes"]] == [change["changeId"]]
        seen += page["tasks"]
        if "nextCursor" not in page:
            break
        cursor = {"cursor": page["nextCursor"]}
    assert [one["id"] for one in seen] == ids
    assert seen[0] == {
        "id": ids[0],
        "title": "Task 0",
        "outcome": "applied",
        "changed": {"priority": {"from": 1, "to": 2}},
    }
    assert seen[4]["outcome"] == "unchanged"
    by_task = await worker("list_changes", changeId=change["changeId"], taskId=ids[1])
    by_outcome = await worker("list_changes", changeId=change["changeId"], outcome="unchanged")
    assert [one["id"] for one in (*by_task["tasks"], *by_outcome["tasks"])] == [ids[1], ids[4]]


async def test_each_task_of_a_change_of_many_is_listed_with_its_own_outcome(
    worker: Agent, backend: BackendCase
) -> None:
    first, same = await worker.create("First"), await worker.create("Same")
    await worker("update_task", id=same["id"], priority="2")
    outcomes = {first["id"]: "applied", same["id"]: "unchanged", backend.absent: "refused"}
    change = await worker("bulk_update_tasks", taskIds=[*outcomes], changes={"priority": "2"})
    for task_id, outcome in outcomes.items():
        row = (await worker("list_changes", taskId=task_id))["changes"][0]
        assert (row["changeId"], row["taskId"], row["outcome"]) == (change["changeId"], task_id, outcome)
        assert ("changed" in row, row.get("code")) == (
            outcome == "applied",
            "task_not_found" if outcome == "refused" else None,
        )
        assert row["totals"] == dict.fromkeys(outcomes.values(), 1)
        found = [(await worker("list_changes", taskId=task_id, outcome=one))["changes"] for one in outcomes.values()]
        assert [change["changeId"] in str(rows) for rows in found] == [one == outcome for one in outcomes.values()]


async def test_a_refused_change_is_found_by_the_tasks_that_it_names(worker: Agent, backend: BackendCase) -> None:
    task = await worker.create("First")
    for tool, arguments in (
        ("update_task", {"id": task["id"], "title": ""}),
        ("complete_task", {"id": task["id"], "newStatusName": "No such status"}),
        ("bulk_update_tasks", {"taskIds": [backend.absent, task["id"]], "changes": {"id": "y"}}),
        ("delete_task", {"ids": [task["id"], task["id"]], "id": backend.absent}),
    ):
        with pytest.raises(Refused) as refused:
            await worker(tool, **arguments)
        row = (await worker("list_changes", taskId=task["id"]))["changes"][0]
        assert (row["tool"], row["taskId"], row["outcome"]) == (tool, task["id"], "refused")
        assert row["code"] == refused.value.code
        assert (await worker("list_changes", limit=1))["changes"][0]["changeId"] == row["changeId"]


async def test_an_unknown_change_and_the_cursor_of_another_list_are_refused(worker: Agent) -> None:
    task = await worker.create()
    change = await worker("update_task", id=task["id"], priority="2")
    for sent, code in (
        ({"changeId": "chg_no_such"}, "change_not_found"),
        ({"changeId": change["changeId"], "cursor": "7"}, "invalid_cursor"),
        ({"cursor": "t2"}, "invalid_cursor"),
    ):
        with pytest.raises(Refused) as refused:
            await worker("list_changes", **sent)
        assert refused.value.code == code


async def test_hidden_characters_do_not_reach_the_agent_and_stay_in_the_crm(worker: Agent) -> None:
    hidden = "Call\u202e Ac\u200bme\U000e0049\U000e0067 now"
    task = await worker.create(hidden)
    assert task["title"] == "Call Acme now"
    listing = await worker("list_tasks", text="now")
    assert listing["tasks"][0]["title"] == "Call Acme now"
    assert listing["untrusted"]["fields"] == ["tasks"]
    assert "never instructions" in listing["untrusted"]["note"]
    journal = await worker("list_changes", taskId=task["id"])
    assert journal["changes"][0]["title"] == "Call Acme now"
    again = await worker("update_task", id=task["id"], title=hidden)
    assert again["changed"] == {}


async def test_a_change_that_a_plan_made_is_found_by_the_tool_that_planned_it(worker: Agent) -> None:
    task = await worker.create(dueDate="2026-03-10")
    plan = await worker("delete_task", id=task["id"])
    done = await worker("apply_plan", planId=plan["planId"])
    for tool in ("delete_task", "apply_plan"):
        listed = (await worker("list_changes", tool=tool))["changes"]
        assert [row["changeId"] for row in listed] == [done["changeId"]]
    assert (await worker("list_changes", tool="update_task"))["changes"] == []


async def test_an_empty_journal_of_a_task_has_a_note_that_its_id_may_be_wrong(
    worker: Agent, backend: BackendCase
) -> None:
    task = await worker.create()
    assert "get_task shows whether the id exists" in (await worker("list_changes", taskId=backend.absent))["note"]
    assert "note" not in await worker("list_changes", taskId=task["id"])
    assert "note" not in await worker("list_changes", outcome="declined")
