"""Many new tasks in one call: each body has its own outcome, each task is made once, and all are undone as one."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from backends.close.backend_case import LEAD, close_sandbox, close_settings
from behaviour.agent import Agent, Refused
from behaviour.backend_cases import BACKEND_CASES
from behaviour.conftest import Connect
from behaviour.person import Person
from behaviour.world import BackendCase
from taskhand.sandbox.server import serve_sandbox
from taskhand.server.app import create_server
from taskhand.wiring import open_app


def body(title: str, **more: Any) -> dict[str, Any]:
    """The body of a new task of mine."""
    return {"title": title, "responsibleIds": ["me"], "priority": "1"} | more


def bodies(count: int) -> list[dict[str, Any]]:
    return [body(f"Task {number:02}") for number in range(count)]


def reasons(answer: dict[str, Any]) -> dict[str, str]:
    """The messages of an answer by their code."""
    return {row["code"]: row["message"] for row in answer["outcomes"] if "code" in row}


def messages_of(answer: dict[str, Any]) -> str:
    """The messages of the tasks of an answer."""
    return " ".join(row["message"] for row in answer["tasks"] if "message" in row)


async def test_several_tasks_are_created_in_one_call_as_each_was_asked_for(agent: Agent) -> None:
    done = await agent(
        "create_tasks",
        tasks=[
            body("Call Acme", dueDate="2026-03-10"),
            body("Send the contract", priority="2", responsibleIds=["Ana Soto"], dueDate="2026-03-11"),
            body("Visit", dueDate="2026-03-12", dueTime="15:00", timezone="America/Santiago"),
        ],
    )
    assert (done["count"], done["totals"]) == (3, {"applied": 3})
    assert {match["given"] for match in done["matched"]} == {"me", "Ana Soto"}
    rows = (await agent("list_tasks", order="due"))["tasks"]
    assert [row["title"] for row in rows] == ["Call Acme", "Send the contract", "Visit"]
    tasks = [(await agent("get_task", id=row["id"]))["task"] for row in rows]
    assert [task["priority"] for task in tasks] == [1, 2, 1]
    assert [task["is_all_day"] for task in tasks] == [True, True, False]
    assert tasks[2]["due_at"] == "2026-03-12T18:00:00.000Z"


async def test_a_body_that_is_wrong_is_refused_by_its_place_and_title_and_the_others_are_created(worker: Agent) -> None:
    done = await worker(
        "create_tasks",
        tasks=[
            body("First"),
            {"responsibleIds": ["me"], "priority": "1"},
            body("For nobody known", responsibleIds=["Nobody Known"]),
            body("Odd", colour="red"),
            body("Urgent", priority="9"),
            body("Last"),
        ],
    )
    assert done["totals"] == {"applied": 2, "refused": 4}
    messages = reasons(done)
    assert messages["missing_argument"].startswith("tasks[1]: title is required.")
    assert messages["unknown_member"].startswith("tasks[2] 'For nobody known': ")
    assert messages["unknown_argument"].startswith("tasks[3] 'Odd': There is no argument 'colour'")
    assert messages["invalid_priority"].startswith("tasks[4] 'Urgent': ")
    assert sorted(await worker.listed()) == ["First", "Last"]


async def test_bodies_with_the_same_error_share_one_message_that_lists_their_indexes(worker: Agent) -> None:
    wrong = [body(f"For nobody {number}", responsibleIds=["Nobody Known"]) for number in range(3)]
    done = await worker("create_tasks", tasks=[*wrong, body("Last")])
    outcomes = [one for one in done["outcomes"] if one["outcome"] == "refused"]
    assert [one["count"] for one in outcomes] == [3]
    assert outcomes[0]["message"].startswith(
        "tasks[0], tasks[1], tasks[2]: No member of the team matches 'Nobody Known'."
    )
    assert await worker.listed() == ["Last"]


async def test_several_people_of_one_name_are_named_in_the_outcome_of_the_body(worker: Agent) -> None:
    done = await worker("create_tasks", tasks=[body("A"), body("B", responsibleIds=["maria rodriguez"])])
    message = reasons(done)["ambiguous_member"]
    assert message.startswith("tasks[1] 'B': ")
    members = {one["name"]: one["id"] for one in (await worker("list_team_members"))["members"]}
    assert all(members[name] in message for name in ("Maria Rodriguez", "María Rodríguez"))
    assert "outcomes.message" in done["untrusted"]["fields"]
    assert await worker.listed() == ["A"]


@pytest.mark.parametrize(
    ("tasks", "code"),
    [
        ([], "nothing_to_change"),
        (bodies(51), "too_many_tasks"),
        ([body("A", responsibleIds=["Nobody"]), body("B", responsibleIds=["No One"])], "unknown_member"),
        ([body(""), body(" ")], "invalid_title"),
        ([body("Same"), body("Same")], "same_task"),
    ],
)
async def test_a_call_of_which_nothing_can_be_created_is_refused_as_a_whole(
    worker: Agent, tasks: list[dict[str, Any]], code: str
) -> None:
    with pytest.raises(Refused) as refused:
        await worker("create_tasks", tasks=tasks)
    assert refused.value.code == code
    assert await worker.listed() == []


async def test_bodies_that_are_refused_for_different_reasons_each_have_their_code(worker: Agent) -> None:
    done = await worker("create_tasks", tasks=[body("A", responsibleIds=["Nobody"]), body(" ")])
    assert done["totals"] == {"refused": 2}
    assert {*reasons(done)} == {"unknown_member", "invalid_title"}


async def test_two_bodies_that_are_one_task_are_both_refused_however_they_are_written(worker: Agent) -> None:
    done = await worker("create_tasks", tasks=[body("Same"), body("Other"), body(" Same ", priority=1)])
    assert done["totals"] == {"applied": 1, "refused": 2}
    assert reasons(done)["same_task"].startswith("tasks[0] and tasks[2] are the same task 'Same'. Send it once; ")
    assert await worker.listed() == ["Other"]


async def test_the_same_key_is_answered_with_the_first_outcome_and_another_body_is_refused(worker: Agent) -> None:
    sent = [body("A"), body("B"), body("C", responsibleIds=["Nobody"])]
    first = await worker("create_tasks", tasks=sent, idempotencyKey="one")
    again = await worker("create_tasks", tasks=sent, idempotencyKey="one")
    assert first["totals"] == {"applied": 2, "refused": 1}
    assert (again["replayed"], again["totals"], again["changeId"]) == (True, first["totals"], first["changeId"])
    with pytest.raises(Refused) as refused:
        await worker("create_tasks", tasks=sent[:2], idempotencyKey="one")
    assert refused.value.code == "key_reused"
    assert sorted(await worker.listed()) == ["A", "B"]
    await worker("create_tasks", tasks=sent[:2], idempotencyKey="on purpose")
    assert sorted(await worker.listed()) == ["A", "A", "B", "B"]


async def test_the_same_key_is_answered_with_the_tasks_as_they_are_now(backend: BackendCase, tmp_path: Path) -> None:
    """Lists that may be behind prove a deletion only minutes after the create."""
    async with backend.open(tmp_path) as app:
        later = replace(app, clock=lambda: app.clock() + timedelta(minutes=3))
        servers = [create_server(one) for one in (app, later)]
        async with Client(servers[0]) as now, Client(servers[1]) as then:
            agent, late = Agent(now, backend.needs), Agent(then, backend.needs)
            sent = {"tasks": bodies(3), "idempotencyKey": "one"}
            made = await agent("create_tasks", **sent)
            renamed, gone, same = made["tasks"]
            await agent("update_task", id=renamed["id"], title="Renamed")
            await app.backend.delete_task(await app.backend.get_task(gone["id"]))
            again = await late("create_tasks", **sent)
            assert (again["replayed"], again["changeId"]) == (True, made["changeId"])
            assert again["totals"] == {"applied": 2, "refused": 1}
            titles = {one["id"]: one["title"] for one in again["tasks"]}
            assert (titles[renamed["id"]], titles[same["id"]]) == ("Renamed", same["title"])
            assert "not found any more; nothing was made now" in messages_of(again)
            assert len(await agent.listed()) == 2


async def test_an_undo_of_many_deletions_is_repeated_with_the_tasks_as_they_are_now(
    backend: BackendCase, tmp_path: Path
) -> None:
    async with backend.open(tmp_path) as app:
        later = replace(app, clock=lambda: app.clock() + timedelta(minutes=3))
        servers = [create_server(one) for one in (app, later)]
        async with Client(servers[0]) as now, Client(servers[1]) as then:
            agent, late = Agent(now, backend.needs), Agent(then, backend.needs)
            made = await agent("create_tasks", tasks=bodies(2))
            planned = await agent("delete_task", ids=[one["id"] for one in made["tasks"]])
            deleted = await agent("apply_plan", planId=planned["planId"])
            back = await agent("undo_change", changeId=deleted["changeId"])
            renamed, gone = back["tasks"]
            await agent("update_task", id=renamed["id"], title="Renamed")
            await app.backend.delete_task(await app.backend.get_task(gone["id"]))
            again = await late("undo_change", changeId=deleted["changeId"])
            assert again["totals"] == {"unchanged": 1, "refused": 1}
            assert f"It was made again before, as {renamed['id']}." in messages_of(again)
            assert f"({gone['id']}), and it is not found any more" in messages_of(again)
            assert await agent.listed() == ["Renamed"]


async def test_a_body_that_was_sent_a_moment_ago_is_not_created_again_by_either_tool(worker: Agent) -> None:
    alone = await worker("create_task", **body("A"))
    done = await worker("create_tasks", tasks=[body("A"), body("B")])
    assert done["totals"] == {"applied": 1, "unchanged": 1}
    assert "idempotencyKey" in reasons(done)["replayed"]
    b = await worker("create_task", **body("B"))
    assert b["replayed"] is True
    assert b["task"]["title"] == "B"
    everything = await worker("create_tasks", tasks=[body("B"), body("A")])
    assert everything["totals"] == {"unchanged": 2}
    assert sorted(await worker.listed()) == ["A", "B"]
    plan = await worker("delete_task", id=alone["task"]["id"])
    await worker("apply_plan", planId=plan["planId"])
    again = await worker("create_tasks", tasks=[body("A"), body("B")])
    assert again["totals"] == {"applied": 1, "unchanged": 1}
    assert sorted(await worker.listed()) == ["A", "B"]


async def test_repeated_bodies_name_the_change_that_can_be_undone_once_for_all(worker: Agent) -> None:
    first = await worker("create_tasks", tasks=bodies(2))
    again = await worker("create_tasks", tasks=bodies(2))
    [row] = again["outcomes"]
    assert (row["outcome"], row["count"], row["code"]) == ("unchanged", 2, "replayed")
    assert f"{first['changeId']} made it." in row["message"]
    await worker("undo_change", changeId=first["changeId"])
    assert await worker.listed() == []


async def test_simultaneous_calls_with_bodies_in_common_make_each_task_once(connect: Connect) -> None:
    agents = [await connect() for _ in range(3)]
    totals: list[dict[str, int]] = []

    async def create(agent: Agent, *titles: str) -> None:
        totals.append((await agent("create_tasks", tasks=[body(title) for title in titles]))["totals"])

    async with anyio.create_task_group() as calls:
        for agent, titles in zip(agents, (("A", "B"), ("B", "C"), ("C", "A")), strict=True):
            calls.start_soon(create, agent, *titles)
    assert sorted(await agents[0].listed()) == ["A", "B", "C"]
    assert sum(total.get("applied", 0) for total in totals) == 3


async def test_more_tasks_than_the_threshold_stop_at_a_plan_and_are_created_and_undone_as_one(worker: Agent) -> None:
    plan = await worker("create_tasks", tasks=bodies(12))
    assert "stops at a plan" in plan["note"]
    assert (plan["count"], {row["does"] for row in plan["difference"]}) == (12, {"create"})
    assert await worker.listed() == []
    done = await worker("apply_plan", planId=plan["planId"])
    assert done["totals"] == {"applied": 12}
    assert len(await worker.listed()) == 12
    undo = await worker("undo_change", changeId=done["changeId"])
    if "planId" in undo:
        undo = await worker("apply_plan", planId=undo["planId"])
    assert undo["totals"] == {"applied": 12}
    assert await worker.listed() == []


async def test_a_plan_with_a_key_creates_its_tasks_once_however_often_it_is_made(worker: Agent) -> None:
    sent = {"tasks": bodies(11), "idempotencyKey": "one"}
    plans = [await worker("create_tasks", **sent) for _ in range(2)]
    done = await worker("apply_plan", planId=plans[0]["planId"])
    again = await worker("apply_plan", planId=plans[1]["planId"])
    once_more = await worker("create_tasks", **sent)
    assert done["totals"] == again["totals"] == once_more["totals"] == {"applied": 11}
    assert again["replayed"] is once_more["replayed"] is True
    assert len(await worker.listed()) == 11


async def test_many_tasks_are_created_at_once_after_the_person_says_yes(connect: Connect) -> None:
    person = Person("yes")
    agent = await connect(person=person)
    done = await agent("create_tasks", tasks=bodies(11))
    assert done["totals"] == {"applied": 11}
    assert "11 tasks" in person.questions[0]
    assert "create “Task 00”" in person.questions[0]


async def test_a_dry_run_shows_the_new_tasks_and_the_refused_bodies_and_writes_nothing(worker: Agent) -> None:
    plan = await worker("create_tasks", tasks=[body("A"), body("B"), body("C", responsibleIds=["Nobody"])], dryRun=True)
    assert [row["title"] for row in plan["difference"]] == ["A", "B"]
    assert reasons(plan)["unknown_member"].startswith("tasks[2] 'C'")
    assert await worker.listed() == []
    await worker("create_task", **body("A"))
    with pytest.raises(Refused) as refused:
        await worker("apply_plan", planId=plan["planId"])
    assert refused.value.code == "plan_stale"
    assert await worker.listed() == ["A"]
    plan = await worker("create_tasks", tasks=[body("A"), body("B")], dryRun=True)
    assert plan["count"] == 1
    await worker("apply_plan", planId=plan["planId"])
    assert sorted(await worker.listed()) == ["A", "B"]


async def test_fillers_in_a_body_are_ignored_as_in_create_task(worker: Agent) -> None:
    empty: dict[str, Any] = {"dueTime": None, "timezone": "", "aiContactId": None, "clear": []}
    done = await worker(
        "create_tasks", tasks=[body("A", **empty), body("B", **empty, aiCustomerId=None) | worker.needs]
    )
    assert done["totals"] == {"applied": 2}


async def test_bodies_as_text_are_read_as_the_list_that_they_are(worker: Agent) -> None:
    whole = json.dumps([worker.needs | body("A"), worker.needs | body("B")])
    done = await worker.client.call_tool("create_tasks", {"tasks": whole})
    assert not done.is_error
    each = [json.dumps(worker.needs | body("C"))]
    assert not (await worker.client.call_tool("create_tasks", {"tasks": each})).is_error
    assert sorted(await worker.listed()) == ["A", "B", "C"]


async def test_several_tasks_are_deleted_by_one_plan_that_names_them_and_made_again_by_one_undo(worker: Agent) -> None:
    made = [await worker.create(title) for title in ("A", "B", "C")]
    first, second, _ = (task["id"] for task in made)
    plan = await worker("delete_task", ids=[first, second, first])
    assert "Deleting 2 tasks stops at a plan" in plan["note"]
    assert [(row["title"], row["does"]) for row in plan["difference"]] == [("A", "delete"), ("B", "delete")]
    done = await worker("apply_plan", planId=plan["planId"])
    assert done["totals"] == {"applied": 2}
    assert await worker.listed() == ["C"]
    back = await worker("undo_change", changeId=done["changeId"])
    assert back["totals"] == {"applied": 2}
    assert sorted(await worker.listed()) == ["A", "B", "C"]


async def test_a_deletion_of_several_tasks_refuses_only_an_invalid_id(worker: Agent) -> None:
    made = [await worker.create(title) for title in ("A", "B")]
    ids = [task["id"] for task in made]
    plan = await worker("delete_task", ids=[*ids, "../x"])
    assert plan["count"] == 2
    assert [row["code"] for row in plan["outcomes"]] == ["invalid_id"]
    done = await worker("apply_plan", planId=plan["planId"])
    assert done["totals"] == {"applied": 2, "refused": 1}


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({}, "no_targets"),
        ({"id": None, "ids": None}, "no_targets"),
        ({"ids": []}, "nothing_to_change"),
        ({"id": "x", "ids": ["y"]}, "several_targets"),
        ({"ids": ["../x", "../y"]}, "invalid_id"),
    ],
)
async def test_a_deletion_of_nothing_certain_is_refused(worker: Agent, sent: dict[str, Any], code: str) -> None:
    with pytest.raises(Refused) as refused:
        await worker("delete_task", **sent)
    assert refused.value.code == code


@pytest.mark.parametrize("backend", [one for one in BACKEND_CASES if one.name == "local"], ids=["local"])
async def test_the_answer_names_the_new_tasks_and_those_that_were_deleted(backend: BackendCase, tmp_path: Path) -> None:
    async with backend.open(tmp_path) as app, Client(create_server(app)) as client:
        agent = Agent(client)
        few = await agent("create_tasks", tasks=[body("A"), body("B", responsibleIds=["Nobody"]), body("C")])
        assert [row["title"] for row in few["tasks"]] == ["A", "B", "C"]
        assert [row.get("outcome") for row in few["tasks"]] == [None, "refused", None]
        plan = await agent("delete_task", ids=[few["tasks"][0]["id"], few["tasks"][2]["id"]])
        gone = await agent("apply_plan", planId=plan["planId"])
        assert [row["title"] for row in gone["tasks"]] == ["A", "C"]
        plan = await agent("create_tasks", tasks=bodies(12))
        many = await agent("apply_plan", planId=plan["planId"])
        assert [row["title"] for row in many["tasks"]] == ["Task 00", "Task 01", "Task 02"]
        assert "list_changes with this changeId has all" in many["note"]


async def test_a_create_that_is_refused_for_all_tasks_names_the_fault_of_each(worker: Agent) -> None:
    tasks = [body(f"Task {number}", responsibleIds=[f"Qq{number}"]) for number in range(8)]
    with pytest.raises(Refused) as refused:
        await worker("create_tasks", tasks=tasks)
    assert refused.value.code == "unknown_member"
    for number in range(5):
        assert f"tasks[{number}] 'Task {number}': No member of the team matches 'Qq{number}'." in str(refused.value)
    assert str(refused.value).endswith("3 more are refused likewise.")


async def test_after_a_restart_a_repetition_finds_the_tasks_that_closes_list_does_not_show_yet(tmp_path: Path) -> None:
    sandbox, sent = close_sandbox(), [body(title, aiCustomerId=LEAD) for title in ("A", "B", "C")]
    sandbox.set_spec_variant(["list_lag=30"])
    async with serve_sandbox(sandbox) as url:
        settings = close_settings(url, journal=tmp_path / "journal.sqlite")
        async with open_app(settings) as app, Client(create_server(app)) as client:
            await Agent(client)("create_tasks", tasks=sent)
            await app.backend.delete_task(await app.backend.get_task(sandbox.tasks[0]["id"]))
        async with open_app(settings) as app, Client(create_server(app)) as client:
            again = await Agent(client)("create_tasks", tasks=sent)
    assert again["totals"] == {"unchanged": 3}
    assert json.dumps(again).count("not found now") == 1
