"""Undo: the values from before are restored, and only if the task has not changed since."""

from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from behaviour.agent import Agent, Refused
from behaviour.conftest import Connect
from behaviour.world import BackendCase
from taskhand.server.app import create_server


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
    assert undone["task"] == await worker.read(task["id"]) == task
    again = await worker("undo_change", changeId=undone["changeId"])
    assert again["task"] == change["task"]


async def test_undo_restores_every_task_of_a_bulk_change(worker: Agent) -> None:
    tasks = [await worker.create(f"Task {number}", dueDate=f"2026-03-1{number}") for number in range(3)]
    change = await worker("bulk_update_tasks", taskIds=[task["id"] for task in tasks], shiftDueDays=7)
    assert change["totals"] == {"applied": 3}
    undone = await worker("undo_change", changeId=change["changeId"])
    assert undone["totals"] == {"applied": 3}
    assert [await worker.read(task["id"]) for task in tasks] == tasks


async def test_undo_restores_the_written_tasks_of_a_bulk_change_that_skipped_one(worker: Agent) -> None:
    tasks = [await worker.create(f"Task {number}", priority=priority) for number, priority in enumerate("121")]
    change = await worker("bulk_update_tasks", taskIds=[task["id"] for task in tasks], changes={"priority": "2"})
    assert change["totals"] == {"applied": 2, "unchanged": 1}
    undone = await worker("undo_change", changeId=change["changeId"])
    assert undone["totals"] == {"applied": 2}
    assert [(await worker.read(task["id"]))["priority"] for task in tasks] == [1, 2, 1]


async def test_undo_is_refused_with_the_values_if_all_that_it_would_write_changed_since(worker: Agent) -> None:
    task = await worker.create()
    change = await worker("update_task", id=task["id"], title="New title")
    await worker("update_task", id=task["id"], title="Theirs", priority="2")
    with pytest.raises(Refused) as refused:
        await worker("undo_change", changeId=change["changeId"])
    error = refused.value.error
    assert (error["code"], error["message"]) == (
        "changed_since",
        f"Task {task['id']} has changed since in title; it was not undone.",
    )
    assert error["difference"][0]["changed"] == {"title": {"from": "New title", "to": "Theirs"}}
    assert error["wouldWrite"] == [{"id": task["id"], "title": "Call Acme"}]
    assert "wouldWrite" in error["untrusted"]["fields"]
    assert (await worker.read(task["id"]))["title"] == "Theirs"


_TIMED = {"dueDate": "2026-05-01", "dueTime": "11:00", "timezone": "America/Santiago"}


@pytest.mark.parametrize(
    ("due", "since"),
    [
        ({"dueDate": "2026-03-10"}, _TIMED),
        (_TIMED | {"dueTime": "15:00"}, _TIMED),
        (_TIMED | {"dueTime": "15:00"}, {"dueDate": "2026-05-01", "dueTime": None}),
    ],
    ids=["day", "time", "time of a day"],
)
async def test_the_would_write_values_of_an_undo_can_be_sent_to_update_task(
    worker: Agent, due: dict[str, Any], since: dict[str, Any]
) -> None:
    status = (await worker("list_statuses"))["statuses"][-1]["name"]
    task = await worker.create(**due, priority="2")
    before = await worker.read(task["id"])
    ours = {"dueDate": "2026-04-01", "responsibleIds": ["Ana Soto"], "priority": "1", "newStatusName": status}
    change = await worker("update_task", id=task["id"], title="New title", **ours)
    await worker("update_task", id=task["id"], responsibleIds=["Luis Pereira"], title="Theirs", **since)
    undone = await worker("undo_change", changeId=change["changeId"])
    assert {row["field"] for row in undone["unapplied"]} == {"title", "dueDate", "responsibleIds"}
    with pytest.raises(Refused) as refused:
        await worker("undo_change", changeId=change["changeId"])
    await worker("update_task", **refused.value.error["wouldWrite"][0])
    assert await worker.read(task["id"]) == before


async def test_the_edit_that_a_refused_undo_offers_can_empty_a_field(worker: Agent) -> None:
    task = await worker.create()
    change = await worker("update_task", id=task["id"], description="Ours")
    await worker("update_task", id=task["id"], description="Theirs")
    with pytest.raises(Refused) as refused:
        await worker("undo_change", changeId=change["changeId"])
    assert refused.value.error["wouldWrite"] == [{"id": task["id"], "clear": ["description"]}]
    await worker("update_task", **refused.value.error["wouldWrite"][0])
    assert await worker.read(task["id"]) == task


async def test_undo_restores_the_fields_that_nobody_changed_since_and_tells_the_others(connect: Connect) -> None:
    worker, other = await connect(), await connect("another")
    task = await worker.create(dueDate="2026-03-10")
    change = await worker("update_task", id=task["id"], title="New title", priority="2")
    await other("update_task", id=task["id"], title="Theirs", dueDate="2026-05-01")
    undone = await worker("undo_change", changeId=change["changeId"])
    assert undone["unapplied"] == [{"field": "title", "asked": "Call Acme", "was": "New title", "got": "Theirs"}]
    assert "Left as it is, because it changed since: title; see unapplied." in undone["note"]
    now = await worker.read(task["id"])
    assert (now["title"], now["priority"], now["due_at"][:10]) == ("Theirs", 1, "2026-05-01")


async def test_a_field_that_was_put_back_by_hand_is_no_obstacle(worker: Agent) -> None:
    task = await worker.create()
    change = await worker("update_task", id=task["id"], title="New title", priority="2")
    await worker("update_task", id=task["id"], title="Call Acme")
    undone = await worker("undo_change", changeId=change["changeId"])
    assert undone["changed"].keys() == {"priority"}
    assert await worker.read(task["id"]) == task


async def test_undo_of_a_bulk_change_has_an_outcome_for_each_task(worker: Agent) -> None:
    tasks = [await worker.create(f"Task {number}") for number in range(4)]
    changes = {"priority": "2", "dueDate": "2026-04-01"}
    change = await worker("bulk_update_tasks", taskIds=[task["id"] for task in tasks], changes=changes)
    await worker("update_task", id=tasks[1]["id"], title="Another title")
    await worker("update_task", id=tasks[2]["id"], dueDate="2026-05-01")
    await worker("update_task", id=tasks[3]["id"], priority="1", dueDate="2026-06-01")
    plan = await worker("undo_change", changeId=change["changeId"], dryRun=True)
    assert [(row["field"], row["id"]) for row in plan["unapplied"]] == [
        ("dueDate", tasks[2]["id"]),
        ("dueDate", tasks[3]["id"]),
    ]
    undone = await worker("undo_change", changeId=change["changeId"])
    assert undone["totals"] == {"applied": 3, "refused": 1}
    listed = (await worker("list_changes", changeId=undone["changeId"]))["tasks"]
    assert [(row["title"], row["outcome"]) for row in listed] == [
        ("Task 0", "applied"),
        ("Another title", "applied"),
        ("Task 2", "applied"),
        ("Task 3", "refused"),
    ]
    assert [(await worker.read(task["id"]))["priority"] for task in tasks] == [1, 1, 1, 1]
    dues = [((await worker.read(task["id"]))["due_at"] or "none")[:10] for task in tasks]
    was = (tasks[0]["due_at"] or "none")[:10]
    assert dues == [was, was, "2026-05-01", "2026-06-01"]
    text = str(undone)
    assert "dueDate" in text
    assert "2026-06-01" in text


async def test_an_undo_of_several_tasks_names_the_one_that_changed_since_and_undoes_the_others(worker: Agent) -> None:
    ids = [(await worker.create(f"Task {number}", dueDate="2026-05-01"))["id"] for number in range(2)]
    moved = await worker("bulk_update_tasks", taskIds=ids, changes={"dueDate": "2026-05-02"})
    await worker("update_task", id=ids[0], dueDate="2026-05-03")
    undone = await worker("undo_change", changeId=moved["changeId"])
    assert undone["totals"] == {"applied": 1, "refused": 1}
    assert f"Task {ids[0]} has changed since in dueDate; it was not undone." in str(undone)


async def test_a_bulk_change_of_which_every_task_changed_since_is_refused_with_all_of_them(worker: Agent) -> None:
    tasks = [await worker.create(f"Task {number}") for number in range(2)]
    ids = [task["id"] for task in tasks]
    change = await worker("bulk_update_tasks", taskIds=ids, changes={"priority": "2"})
    await worker("bulk_update_tasks", taskIds=ids, changes={"priority": "1", "dueDate": "2026-05-01"})
    again = await worker("bulk_update_tasks", taskIds=ids, changes={"dueDate": "2026-06-01"})
    await worker("bulk_update_tasks", taskIds=ids, changes={"dueDate": "2026-07-01"})
    met = await worker("undo_change", changeId=change["changeId"])
    assert met["totals"] == {"unchanged": 2}
    with pytest.raises(Refused) as refused:
        await worker("undo_change", changeId=again["changeId"])
    assert [one["id"] for one in refused.value.error["difference"]] == ids
    assert [one["id"] for one in refused.value.error["wouldWrite"]] == ids


@pytest.mark.parametrize("chosen", ["taskIds", "except", "both"])
async def test_undo_of_a_part_of_a_change_leaves_the_other_tasks(worker: Agent, chosen: str) -> None:
    tasks = [await worker.create(f"Task {number}") for number in range(3)]
    ids = [task["id"] for task in tasks]
    change = await worker("bulk_update_tasks", taskIds=ids, changes={"priority": "2"})
    part = {"taskIds": {"taskIds": ids[:2]}, "except": {"except": ids[2:]}, "both": {"taskIds": ids, "except": ids[2:]}}
    undone = await worker("undo_change", changeId=change["changeId"], **part[chosen])
    assert undone["totals"] == {"applied": 2}
    assert [(await worker.read(one))["priority"] for one in ids] == [1, 1, 2]
    rest = await worker("undo_change", changeId=change["changeId"], taskIds=ids[2:])
    assert rest["task"] if "task" in rest else rest["totals"]
    assert [(await worker.read(one))["priority"] for one in ids] == [1, 1, 1]


async def test_undo_reports_a_task_that_the_change_did_not_write_as_unchanged(worker: Agent) -> None:
    ids = [(await worker.create(f"Task {number}", priority=priority))["id"] for number, priority in enumerate("12")]
    change = await worker("bulk_update_tasks", taskIds=ids, changes={"priority": "2"})
    undone = await worker("undo_change", changeId=change["changeId"], taskIds=ids)
    assert undone["totals"] == {"applied": 1, "unchanged": 1}
    with pytest.raises(Refused) as refused:
        await worker("undo_change", changeId=change["changeId"], taskIds=ids[1:])
    assert refused.value.code == "nothing_to_undo"


@pytest.mark.parametrize("name", ["dueDate", "due_at", "due", "dueTime", "is_all_day", "due_timezone", "DUE_DATE"])
async def test_a_field_is_left_out_of_an_undo_by_each_of_its_names(worker: Agent, name: str) -> None:
    task = await worker.create(dueDate="2026-03-10")
    change = await worker("update_task", id=task["id"], title="New title", dueDate="2026-04-01")
    await worker("undo_change", changeId=change["changeId"], **{"except": [name]})
    now = await worker.read(task["id"])
    assert (now["title"], now["due_at"][:10]) == ("Call Acme", "2026-04-01")
    with pytest.raises(Refused) as refused:
        await worker("undo_change", changeId=change["changeId"], **{"except": [name, "title"]})
    assert refused.value.code == "nothing_to_undo"


@pytest.mark.parametrize("filler", [None, []])
async def test_a_filled_in_part_of_a_change_is_all_of_it(worker: Agent, filler: list[str] | None) -> None:
    task = await worker.create()
    change = await worker("update_task", id=task["id"], title="New title")
    await worker("undo_change", changeId=change["changeId"], taskIds=filler, **{"except": filler})
    assert await worker.read(task["id"]) == task


async def test_unknown_parts_of_a_change_are_refused_with_the_parts_it_has(worker: Agent, backend: BackendCase) -> None:
    tasks = [await worker.create(f"Task {number}") for number in range(2)]
    ids = [task["id"] for task in tasks]
    change = await worker("bulk_update_tasks", taskIds=ids, changes={"priority": "2"})
    for part, named in (
        ({"taskIds": [backend.absent]}, ids),
        ({"except": ["colour"]}, ["priority", *ids]),
        ({"except": [ids[0], backend.absent]}, ["priority", *ids]),
    ):
        with pytest.raises(Refused) as refused:
            await worker("undo_change", changeId=change["changeId"], **part)
        assert refused.value.code == "invalid_arguments"
        assert refused.value.values == named
    assert [(await worker.read(one))["priority"] for one in ids] == [2, 2]


async def test_a_text_that_was_appended_to_since_is_a_conflict_of_that_field_alone(worker: Agent) -> None:
    task = await worker.create(description="First.")
    change = await worker("update_task", id=task["id"], description="First. Second.", priority="2")
    await worker("update_task", id=task["id"], description="First. Second. Third.")
    undone = await worker("undo_change", changeId=change["changeId"])
    assert [(row["field"], row["got"]) for row in undone["unapplied"]] == [("description", "First. Second. Third.")]
    now = await worker.read(task["id"])
    assert (now["description"], now["priority"]) == ("First. Second. Third.", 1)


async def test_an_undo_of_an_undo_names_the_change_that_it_redoes(worker: Agent) -> None:
    task = await worker.create()
    change = await worker("update_task", id=task["id"], title="New title")
    undone = await worker("undo_change", changeId=change["changeId"])
    assert "redoes" not in undone.get("note", "")
    again = await worker("undo_change", changeId=undone["changeId"])
    assert again["note"] == f"This redoes {change['changeId']}, which {undone['changeId']} had undone."
    assert (await worker.read(task["id"]))["title"] == "New title"


async def test_an_undo_of_a_part_of_an_undo_or_of_an_undo_of_a_part_redoes_a_part(worker: Agent) -> None:
    ids = [(await worker.create(f"Task {number}"))["id"] for number in range(2)]
    for undone_ids, redone_ids, part in (
        (ids, ids[:1], "a part of "),
        (ids[:1], ids[:1], "a part of "),
        (ids, ids, ""),
    ):
        change = await worker(
            "bulk_update_tasks", taskIds=ids, changes={"title": f"Call {len(undone_ids)} {len(redone_ids)}"}
        )
        undone = await worker("undo_change", changeId=change["changeId"], taskIds=undone_ids)
        again = await worker("undo_change", changeId=undone["changeId"], taskIds=redone_ids)
        assert again["note"].startswith(f"This redoes {part}{change['changeId']}, which ")
    change = await worker("bulk_update_tasks", taskIds=ids, changes={"title": "Call", "priority": "2"})
    undone = await worker("undo_change", changeId=change["changeId"], **{"except": ["title"]})
    again = await worker("undo_change", changeId=undone["changeId"])
    assert again["note"].startswith(f"This redoes a part of {change['changeId']}, which ")


async def test_what_an_earlier_undo_has_not_undone_is_not_ascribed_to_it(worker: Agent) -> None:
    ids = [(await worker.create(f"Task {number}", dueDate="2026-03-10"))["id"] for number in range(2)]
    change = (await worker("bulk_update_tasks", taskIds=ids, changes={"priority": "2"}))["changeId"]

    async def repeated() -> str:
        return str((await worker("undo_change", changeId=change, dryRun=True))["note"])

    undone = [(await worker("undo_change", changeId=change, taskIds=ids[1:]))["changeId"]]
    await worker("update_task", id=ids[0], priority="1")
    assert (await repeated()).startswith(f"{undone[0]} has already undone a part of {change}.")
    await worker("update_task", id=ids[0], priority="2")
    undone.insert(0, (await worker("undo_change", changeId=change))["changeId"])
    assert (await repeated()).startswith(f"{', '.join(undone)} have already undone {change}.")


async def test_a_plan_of_an_undo_is_bound_to_the_values_that_it_writes(connect: Connect) -> None:
    worker, other = await connect(), await connect("another")
    task = await worker.create()
    change = await worker("update_task", id=task["id"], title="New title")
    plans = [await worker("undo_change", changeId=change["changeId"], dryRun=True) for _ in range(2)]
    await other("update_task", id=task["id"], priority="2")
    await other("update_task", id=task["id"], title="Theirs")
    with pytest.raises(Refused) as refused:
        await worker("apply_plan", planId=plans[0]["planId"])
    assert refused.value.code == "plan_stale"
    assert refused.value.error["difference"][0]["changed"].keys() == {"title"}
    await other("update_task", id=task["id"], title="New title")
    await worker("apply_plan", planId=plans[1]["planId"])
    now = await worker.read(task["id"])
    assert (now["title"], now["priority"]) == ("Call Acme", 2)


async def test_the_plan_of_an_undo_shows_the_fields_that_would_stay(worker: Agent) -> None:
    task = await worker.create()
    change = await worker("update_task", id=task["id"], title="New title", priority="2")
    await worker("update_task", id=task["id"], title="Theirs")
    plan = await worker("undo_change", changeId=change["changeId"], dryRun=True)
    assert plan["difference"][0]["changed"].keys() == {"priority"}
    assert plan["unapplied"] == [{"field": "title", "asked": "Call Acme", "was": "New title", "got": "Theirs"}]
    done = await worker("apply_plan", planId=plan["planId"])
    assert done["note"] == "Left as it is, as the plan said: title."
    now = await worker.read(task["id"])
    assert (now["title"], now["priority"]) == ("Theirs", 1)


_BODY = {"title": "Call Acme", "responsibleIds": ["me"], "priority": "1"}


async def test_undo_of_a_task_that_was_just_made_deletes_it_at_once(worker: Agent) -> None:
    made = await worker("create_task", **_BODY)
    undone = await worker("undo_change", changeId=made["changeId"])
    assert "planId" not in undone
    assert await worker.listed() == []
    again = await worker("undo_change", changeId=undone["changeId"])
    assert "redoes" in again["note"]
    assert await worker.listed() == ["Call Acme"]


async def test_undo_of_another_client_s_create_plans_the_deletion(connect: Connect) -> None:
    worker, other = await connect(), await connect("another")
    made = await worker("create_task", **_BODY)
    plan = await other("undo_change", changeId=made["changeId"])
    assert plan["difference"][0]["does"] == "delete"
    assert "Undo cannot bring back: id, created_at, creator_id" in plan["note"]
    assert await worker.listed() == ["Call Acme"]
    await other("apply_plan", planId=plan["planId"])
    assert await worker.listed() == []


async def test_a_dry_run_of_the_undo_of_a_create_deletes_nothing(worker: Agent) -> None:
    made = await worker("create_task", **_BODY)
    plan = await worker("undo_change", changeId=made["changeId"], dryRun=True)
    assert plan["difference"][0]["does"] == "delete"
    assert await worker.listed() == ["Call Acme"]


async def test_the_refusal_of_an_undo_names_people(worker: Agent) -> None:
    task = await worker.create()
    change = await worker("update_task", id=task["id"], responsibleIds=["Ana Soto"])
    await worker("update_task", id=task["id"], responsibleIds=["Luis Pereira"])
    with pytest.raises(Refused) as refused:
        await worker("undo_change", changeId=change["changeId"])
    changed = refused.value.error["difference"][0]["changed"]
    assert changed == {"responsibles": {"from": ["Ana Soto"], "to": ["Luis Pereira"]}}


async def test_a_made_task_that_changed_since_is_not_deleted_by_an_undo(worker: Agent) -> None:
    made = await worker("create_task", **_BODY)
    await worker("update_task", id=(await worker("list_tasks"))["tasks"][0]["id"], priority="2")
    with pytest.raises(Refused) as refused:
        await worker("undo_change", changeId=made["changeId"])
    assert refused.value.code == "changed_since"
    assert refused.value.error["difference"][0]["changed"] == {"priority": {"from": 1, "to": 2}}
    assert "delete_task" in refused.value.next
    assert await worker.listed() == ["Call Acme"]


async def test_the_plan_of_a_deletion_lists_the_fields_that_undo_cannot_restore(
    worker: Agent, backend: BackendCase
) -> None:
    task = await worker.create(dueDate="2026-03-10")
    plan = await worker("delete_task", id=task["id"])
    lost = ", interactive notes" if backend.name == "vambe" else ""
    assert f"Undo cannot bring back: id, created_at, creator_id{lost}." in plan["note"]


async def test_the_id_of_a_plan_is_not_undone_and_leads_to_its_change(worker: Agent) -> None:
    task = await worker.create()
    plan = await worker("update_task", id=task["id"], title="New title", dryRun=True)
    with pytest.raises(Refused) as refused:
        await worker("undo_change", changeId=plan["planId"])
    assert refused.value.code == "nothing_to_undo"
    assert "plan" in str(refused.value)
    done = await worker("apply_plan", planId=plan["planId"])
    with pytest.raises(Refused) as refused:
        await worker("undo_change", changeId=plan["planId"])
    assert done["changeId"] in refused.value.next


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


async def test_an_undo_of_the_last_change_is_refused_with_the_latest_ones_and_writes_nothing(worker: Agent) -> None:
    task = await worker.create()
    changes = [await worker("update_task", id=task["id"], title=title) for title in ("Call", "Write")]
    same = await worker("update_task", id=task["id"], title="Write")
    with pytest.raises(Refused) as refused:
        await worker("undo_change", changeId="last")
    assert refused.value.values[:2] == [change["changeId"] for change in reversed(changes)]
    assert same["changeId"] not in refused.value.values
    assert refused.value.error["candidates"][0]["name"].startswith("update_task: 'Write', ")
    assert await worker.listed() == ["Write"]
    await worker("undo_change", changeId=refused.value.values[0])
    assert await worker.listed() == ["Call"]


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


async def test_undos_of_the_first_and_the_latest_deletion_make_one_task_and_its_first_id_leads_to_it(
    worker: Agent,
) -> None:
    first = await worker.create()
    plan = await worker("delete_task", id=first["id"])
    deletions = [(await worker("apply_plan", planId=plan["planId"]))["changeId"]]
    back = await worker("undo_change", changeId=deletions[0])
    plan = await worker("undo_change", changeId=back["changeId"])
    deletions.append((await worker("apply_plan", planId=plan["planId"]))["changeId"])
    for undone in (deletions, deletions[::-1]):
        tasks = [(await worker("undo_change", changeId=change))["task"]["id"] for change in undone]
        assert tasks[0] == tasks[1]
        with pytest.raises(Refused, match=f"made again as {tasks[0]}"):
            await worker.read(first["id"])
        plan = await worker("delete_task", id=tasks[0])
        deletions = [deletions[0], (await worker("apply_plan", planId=plan["planId"]))["changeId"]]


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


def _bodies(worker: Agent, count: int) -> list[dict[str, Any]]:
    return [worker.needs | _BODY | {"title": f"Task {number}"} for number in range(count)]


async def test_undo_of_several_creates_deletes_them_at_once_and_its_undo_makes_them_again_once(worker: Agent) -> None:
    made = await worker("create_tasks", tasks=_bodies(worker, 3))
    undone = await worker("undo_change", changeId=made["changeId"])
    assert undone["totals"] == {"applied": 3}
    assert await worker.listed() == []
    for totals in ({"applied": 3}, {"unchanged": 3}):
        again = await worker("undo_change", changeId=undone["changeId"])
        assert again["totals"] == totals
        assert sorted(await worker.listed()) == ["Task 0", "Task 1", "Task 2"]


async def test_undo_of_some_of_several_creates_leaves_the_others(worker: Agent) -> None:
    made = await worker("create_tasks", tasks=_bodies(worker, 3))
    ids = {row["title"]: row["id"] for row in (await worker("list_tasks"))["tasks"]}
    await worker("update_task", id=ids["Task 1"], priority="2")
    await worker("undo_change", changeId=made["changeId"], **{"except": [ids["Task 2"]]})
    assert sorted(await worker.listed()) == ["Task 1", "Task 2"]


async def test_many_creates_are_not_undone_without_a_plan(worker: Agent) -> None:
    planned = await worker("create_tasks", tasks=_bodies(worker, 11))
    made = await worker("apply_plan", planId=planned["planId"])
    plan = await worker("undo_change", changeId=made["changeId"])
    assert plan["count"] == 11
    assert len(await worker.listed()) == 11


async def test_each_task_of_a_deletion_of_several_is_made_again_once(worker: Agent) -> None:
    ids = [(await worker.create(f"Task {number}"))["id"] for number in range(3)]
    plan = await worker("delete_task", ids=ids)
    assert "Undo cannot bring back: id, created_at, creator_id" in plan["note"]
    gone = await worker("apply_plan", planId=plan["planId"])
    await worker("undo_change", changeId=gone["changeId"], taskIds=[ids[1]])
    assert await worker.listed() == ["Task 1"]
    plans = [await worker("undo_change", changeId=gone["changeId"], dryRun=True) for _ in range(2)]
    back = await worker("apply_plan", planId=plans[0]["planId"])
    assert back["totals"] == {"applied": 2, "unchanged": 1}
    with pytest.raises(Refused) as refused:
        await worker("apply_plan", planId=plans[1]["planId"])
    assert (refused.value.code, "those that still exist" in refused.value.next) == ("plan_stale", True)
    again = await worker("undo_change", changeId=gone["changeId"])
    assert again["totals"] == {"unchanged": 3}
    assert sorted(await worker.listed()) == ["Task 0", "Task 1", "Task 2"]


async def test_an_undo_shows_the_current_titles_of_the_tasks_it_leaves_alone(
    backend: BackendCase, tmp_path: Path
) -> None:
    async with backend.open(tmp_path) as app, Client(create_server(app)) as client:
        agent = Agent(client, backend.needs)
        ids = [(await agent.create(title, dueDate="2026-03-10"))["id"] for title in ("Call", "Write")]
        changed = await agent("bulk_update_tasks", taskIds=ids, changes={"title": "Same"})
        await agent("update_task", id=ids[0], title="Other")
        undone = await agent("undo_change", changeId=changed["changeId"])
        assert {row["id"]: row["title"] for row in undone["tasks"]} == dict(zip(ids, ("Other", "Write"), strict=True))


async def test_a_second_undo_of_a_change_names_the_one_that_has_undone_it(agent: Agent) -> None:
    task = (await agent.create())["id"]
    change = (await agent("update_task", id=task, priority="2"))["changeId"]
    undone = (await agent("undo_change", changeId=change))["changeId"]
    told = f"{undone} has already undone {change}."
    for dry_run in (True, False):
        again = await agent("undo_change", changeId=change, dryRun=dry_run)
        assert again["note"].startswith(told)
        assert "Nothing" in again["note"]
    await agent("update_task", id=task, priority="2")
    assert told not in (await agent("undo_change", changeId=change)).get("note", ""), "there is something to undo"
    assert told not in (await agent("undo_change", changeId=undone, dryRun=True)).get("note", "")
    made = await agent("create_task", title="Visit", responsibleIds=["me"], priority="1")
    gone = (await agent("undo_change", changeId=made["changeId"]))["changeId"]
    with pytest.raises(Refused, match=f"{gone} has already undone {made['changeId']}"):
        await agent("undo_change", changeId=made["changeId"])
    back = (await agent("undo_change", changeId=gone))["task"]["id"]
    with pytest.raises(Refused, match=f"made again as {back}") as refused:
        await agent("undo_change", changeId=made["changeId"])
    assert refused.value.next == f"delete_task with {back} deletes it."


async def test_the_old_id_of_a_task_that_was_made_again_is_answered_with_the_new_one(agent: Agent) -> None:
    first = task = (await agent.create())["id"]
    for _ in range(2):
        planned = await agent("delete_task", id=task)
        deleted = await agent("apply_plan", planId=planned["planId"])
        with pytest.raises(Refused) as refused:
            await agent("get_task", id=first)
        assert "made again" not in str(refused.value)
        task = (await agent("undo_change", changeId=deleted["changeId"]))["task"]["id"]
        calls = ("get_task", {"id": first}), ("bulk_update_tasks", {"taskIds": [first], "changes": {"priority": "2"}})
        for tool, call in calls:
            with pytest.raises(Refused, match=f"It was deleted and made again as {task}.") as refused:
                await agent(tool, **call)
            assert (refused.value.code, refused.value.next) == ("task_not_found", f"Send {task} in its place.")


async def test_a_task_that_an_undo_made_again_is_not_deleted_without_a_plan(worker: Agent) -> None:
    task = await worker.create(dueDate="2026-03-10")
    planned = await worker("delete_task", id=task["id"])
    deleted = await worker("apply_plan", planId=planned["planId"])
    back = await worker("undo_change", changeId=deleted["changeId"])
    plan = await worker("undo_change", changeId=back["changeId"])
    assert (plan["count"], await worker.listed()) == (1, ["Call Acme"])


async def test_the_refused_undo_of_a_change_to_a_task_that_was_made_again_names_the_new_one(worker: Agent) -> None:
    task = await worker.create(dueDate="2026-03-10")
    changed = await worker("update_task", id=task["id"], title="Call Globex")
    planned = await worker("delete_task", id=task["id"])
    deleted = await worker("apply_plan", planId=planned["planId"])
    back = (await worker("undo_change", changeId=deleted["changeId"]))["task"]["id"]
    with pytest.raises(Refused, match=f"It was deleted and made again as {back}.") as refused:
        await worker("undo_change", changeId=changed["changeId"])
    assert (refused.value.code, f"for {back} with update_task" in refused.value.next) == ("changed_since", True)


async def test_an_undo_that_finds_nothing_to_redo_does_not_say_that_it_redoes(worker: Agent) -> None:
    task = await worker.create()
    changed = await worker("update_task", id=task["id"], title="Call Globex")
    undone = await worker("undo_change", changeId=changed["changeId"])
    assert "redoes" in (await worker("undo_change", changeId=undone["changeId"]))["note"]
    assert "redoes" not in (await worker("undo_change", changeId=undone["changeId"]))["note"]
