"""A repeated call is not carried out again, and its answer reports that."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.types import Implementation

from behaviour.agent import Agent, Refused
from behaviour.backend_cases import BACKEND_CASES
from behaviour.conftest import Connect
from behaviour.world import BackendCase
from fixed_clock import FixedClock
from taskhand.server.app import create_server
from whole_answers import with_whole_answers

BODY: dict[str, Any] = {"title": "Call Acme", "responsibleIds": ["me"], "priority": "1"}


async def test_the_same_key_is_answered_with_the_first_task(worker: Agent) -> None:
    first = await worker("create_task", **BODY, idempotencyKey="one")
    again = await worker("create_task", **BODY, idempotencyKey="one")
    assert again["replayed"] is True
    assert (again["task"], again["changeId"]) == (first["task"], first["changeId"])
    assert again["matched"] == first["matched"]
    assert again["note"] == "This is the task that the first call with this idempotencyKey made."
    assert await worker.listed() == ["Call Acme"]


async def test_the_same_key_with_something_else_is_refused(worker: Agent) -> None:
    await worker("create_task", **BODY, idempotencyKey="one")
    with pytest.raises(Refused) as refused:
        await worker("create_task", **(BODY | {"title": "Another"}), idempotencyKey="one")
    assert refused.value.code == "key_reused"
    assert await worker.listed() == ["Call Acme"]


async def test_an_identical_create_makes_no_second_task_and_says_how_to_make_one(worker: Agent) -> None:
    first = await worker("create_task", **BODY)
    again = await worker("create_task", **BODY)
    assert again["replayed"] is True
    assert again["task"] == first["task"]
    assert "idempotencyKey" in again["note"]
    await worker("create_task", **BODY, idempotencyKey="on purpose")
    assert await worker.listed() == ["Call Acme", "Call Acme"]


async def test_an_identical_create_of_another_caller_makes_another_task(connect: Connect) -> None:
    one, other = await connect("one"), await connect("other")
    await one("create_task", **BODY)
    await other("create_task", **BODY)
    assert await one.listed() == ["Call Acme", "Call Acme"]


async def test_two_identical_creates_at_the_same_moment_make_one_task(connect: Connect) -> None:
    agents = [await connect() for _ in range(4)]
    answers: list[dict[str, Any]] = []

    async def create(agent: Agent) -> None:
        answers.append(await agent("create_task", **BODY))

    async with anyio.create_task_group() as calls:
        for agent in agents:
            calls.start_soon(create, agent)
    assert await agents[0].listed() == ["Call Acme"]
    assert len({answer["task"]["id"] for answer in answers}) == 1
    assert sorted(answer.get("replayed", False) for answer in answers) == [False, True, True, True]


async def test_a_task_that_was_deleted_since_is_made_again(worker: Agent) -> None:
    made = await worker("create_task", **BODY)
    plan = await worker("delete_task", id=made["task"]["id"])
    await worker("apply_plan", planId=plan["planId"])
    again = await worker("create_task", **BODY)
    assert "replayed" not in again
    once_more = await worker("create_task", **BODY)
    assert (once_more["replayed"], once_more["task"]) == (True, again["task"])
    assert await worker.listed() == ["Call Acme"]


@pytest.mark.parametrize("key", [{}, {"idempotencyKey": "one"}], ids=["body", "key"])
async def test_a_repeated_create_is_answered_with_the_task_that_an_undo_made_again(
    worker: Agent, key: dict[str, str]
) -> None:
    for tool, body in (("create_task", BODY), ("create_tasks", {"tasks": [BODY | {"title": "Call Globex"}]})):
        keyed = {name: f"{tool} {value}" for name, value in key.items()}
        made = await worker(tool, **body, **keyed)
        undone = await worker("undo_change", changeId=made["changeId"])
        if key:
            answer = await _answer_or_error(worker, tool, **body, **keyed)
            assert f"{undone['changeId']} deleted it; nothing was made now" in answer
            assert f"undo_change with changeId {undone['changeId']} makes it again" in answer
        back = (await worker("undo_change", changeId=undone["changeId"]))["task"]
        again = await worker(tool, **body, **keyed)
        assert back["id"] in str(again)
        assert "deleted since, and made again under this id" in str(again)
    assert sorted(await worker.listed()) == ["Call Acme", "Call Globex"]


async def _answer_or_error(agent: Agent, tool: str, /, **arguments: Any) -> str:
    try:
        return str(await agent(tool, **arguments))
    except Refused as refused:
        return str(refused.error)


async def test_a_repetition_shows_the_task_as_it_is_now(worker: Agent) -> None:
    for key in ({}, {"idempotencyKey": "one"}):
        made = await worker("create_task", **BODY, **key)
        await worker("update_task", id=made["task"]["id"], title="Call Globex")
        again = await worker("create_task", **BODY, **key)
        assert (again["replayed"], again["task"]["title"]) == (True, "Call Globex")
        assert again["task"]["id"] == made["task"]["id"]
        assert again["unapplied"] == []


async def test_a_repeated_create_does_not_recreate_a_task_that_was_deleted_in_the_crm(
    backend: BackendCase, tmp_path: Path
) -> None:
    """Lists that may be behind prove a deletion only minutes after the create."""
    async with backend.open(tmp_path) as app:
        later = replace(app, clock=lambda: app.clock() + timedelta(minutes=3))
        servers = [create_server(with_whole_answers(one)) for one in (app, later)]
        async with Client(servers[0]) as now, Client(servers[1]) as then:
            agent, late = Agent(now, backend.needs), Agent(then, backend.needs)
            keys: list[dict[str, str]] = [{}, {"idempotencyKey": "one"}]
            for key in keys:
                made = await agent("create_task", **BODY, **key)
                await app.backend.delete_task(await app.backend.get_task(made["task"]["id"]))
                if app.backend.capabilities.lists_are_current:
                    with pytest.raises(Refused, match="nothing was made now"):
                        await agent("create_task", **BODY, **key)
                else:
                    again = await agent("create_task", **BODY, **key)
                    assert (again["replayed"], "not found now" in again["note"]) == (True, True)
                assert await agent.listed() == []
            [outcome] = (await agent("create_tasks", tasks=[BODY]))["outcomes"]
            assert "not found" in outcome["message"]
            assert outcome["message"].startswith("tasks[0] 'Call Acme': ") == (outcome["code"] == "task_gone")
            with pytest.raises(Refused, match="not found any more; nothing was made now") as gone:
                await late("create_task", **BODY, idempotencyKey="one")
            assert gone.value.code == "task_gone"
            await agent("create_task", **BODY, idempotencyKey="two")
            assert await agent.listed() == ["Call Acme"]


async def test_a_planned_deletion_leaves_an_identical_create_a_repetition(worker: Agent) -> None:
    made = await worker("create_task", **BODY)
    await worker("delete_task", id=made["task"]["id"], dryRun=True)
    again = await worker("create_task", **BODY)
    assert (again["replayed"], again["task"]) == (True, made["task"])


async def test_a_bulk_change_with_the_same_key_is_answered_again_without_being_sent(worker: Agent) -> None:
    tasks = [await worker.create(f"Task {number}", dueDate="2026-03-10") for number in range(2)]
    sent = {"taskIds": [task["id"] for task in tasks], "shiftDueDays": 1, "idempotencyKey": "shift"}
    first = await worker("bulk_update_tasks", **sent)
    again = await worker("bulk_update_tasks", **sent)
    assert again["replayed"] is True
    assert again["totals"] == first["totals"] == {"applied": 2}
    days = {(await worker("get_task", id=task["id"]))["task"]["due_at"][:10] for task in tasks}
    assert len(days) == 1
    assert days != {tasks[0]["due_at"][:10]}


async def test_a_repeated_bulk_change_without_effect_returns_the_first_answer(worker: Agent) -> None:
    tasks = [await worker.create(f"Task {number}", dueDate="2026-03-10") for number in range(2)]
    sent = {"taskIds": [task["id"] for task in tasks], "idempotencyKey": "urgent"}
    await worker("bulk_update_tasks", **sent, changes={"priority": "2"})
    again = await worker("bulk_update_tasks", **sent, changes={"priority": "2"})
    assert again["replayed"] is True
    assert again["totals"] == {"applied": 2}
    with pytest.raises(Refused) as refused:
        await worker("bulk_update_tasks", **sent, changes={"title": "Task 0"})
    assert refused.value.code == "key_reused"


@pytest.mark.parametrize("backend", [one for one in BACKEND_CASES if one.name == "local"], ids=["local"])
async def test_a_key_survives_a_restart(backend: BackendCase, tmp_path: Path) -> None:
    answers: list[dict[str, Any]] = []
    for _ in range(2):
        async with backend.open(tmp_path) as app:
            info = Implementation(name="tests", version="1")
            async with Client(create_server(app), client_info=info) as client:
                agent = Agent(client)
                people = ["me"] if not answers else [await _my_id(agent)]
                body = BODY | {"responsibleIds": people}
                answers.append(await agent("create_task", **body, idempotencyKey="one"))
    assert answers[1]["replayed"] is True
    assert answers[1]["task"] == answers[0]["task"]


async def _my_id(agent: Agent) -> str:
    """The id of `me`."""
    members = (await agent("list_team_members"))["members"]
    return next(str(one["id"]) for one in members if one["name"] == "Elena")


FIRST: dict[str, Any] = BODY | {"dueDate": "tomorrow at 3pm", "timezone": "America/Santiago"}
OTHERWISE: list[dict[str, Any]] = [
    {"responsibleIds": ["Elena"], "aiContactId": None},
    {"priority": 1, "dueDate": "2026-03-03", "dueTime": "15:00"},
    {"dueDate": "2026-03-03T18:00:00Z", "timezone": None, "aiContactId": ""},
    {"title": " Call  Acme\u200b", "dueDate": "mañana a las 15:00"},
]
"""The same task as FIRST, said otherwise."""
USUAL_TYPE = {"close": "lead", "hubspot": "TODO"}
"""The type of a new task for which none is given."""


async def test_a_create_in_another_spelling_is_the_same_and_with_another_meaning_is_not(
    worker: Agent, backend: BackendCase
) -> None:
    first = await worker("create_task", **FIRST)
    of_type = [{"taskType": usual}] if (usual := USUAL_TYPE.get(backend.name)) else []
    for otherwise in (*OTHERWISE, *of_type):
        again = await worker("create_task", **FIRST | otherwise)
        assert (again["replayed"], again["task"]["id"]) == (True, first["task"]["id"]), otherwise
        assert again["matched"] == []
    [of_many] = (await worker("create_tasks", tasks=[FIRST | OTHERWISE[1]]))["outcomes"]
    assert (of_many["outcome"], of_many["ids"]) == ("unchanged", [first["task"]["id"]])
    with pytest.raises(Refused) as refused:
        await worker("create_tasks", tasks=[FIRST | {"title": "Twice"}, FIRST | OTHERWISE[0] | {"title": "Twice"}])
    assert refused.value.code == "same_task"
    for other in (
        {"title": "call acme"},
        {"dueDate": "today at 3pm"},
        {"priority": "2"},
        {"responsibleIds": ["Ana Soto"]},
    ):
        assert "replayed" not in await worker("create_task", **FIRST | other)


async def test_an_idempotency_key_matches_equivalent_arguments_of_a_create(worker: Agent) -> None:
    first = await worker("create_task", **FIRST, idempotencyKey="one")
    for otherwise in OTHERWISE:
        again = await worker("create_task", **FIRST | otherwise, idempotencyKey="one")
        assert (again["replayed"], again["task"]["id"]) == (True, first["task"]["id"]), otherwise
    with pytest.raises(Refused) as refused:
        await worker("create_task", **FIRST | {"dueDate": "today at 3pm"}, idempotencyKey="one")
    assert refused.value.code == "key_reused"
    tasks = [FIRST | {"title": title} for title in ("A", "B")]
    many = await worker("create_tasks", tasks=tasks, idempotencyKey="many")
    said = [one | OTHERWISE[1] for one in tasks]
    again = await worker("create_tasks", tasks=said, idempotencyKey="many")
    assert (again["replayed"], again["changeId"]) == (True, many["changeId"])


async def test_an_idempotency_key_matches_equivalent_arguments_of_a_bulk_change(worker: Agent) -> None:
    ids = [(await worker.create(f"Task {number}", dueDate="2026-03-10"))["id"] for number in range(2)]
    done = (await worker("list_statuses"))["statuses"][-1]
    change = {"dueDate": "tomorrow", "newStatusName": done["name"], "responsibleIds": ["Ana Soto"]}
    first = await worker("bulk_update_tasks", taskIds=ids, changes=change, idempotencyKey="many")
    said = {"dueDate": "2026-03-03", "newStatusPosition": done["position"], "responsibleIds": ["ana@example.com"]}
    again = await worker("bulk_update_tasks", taskIds=ids[::-1], changes=said, idempotencyKey="many")
    assert (again["replayed"], again["changeId"]) == (True, first["changeId"])
    for other in ({"dueDate": "today"}, {"responsibleIds": ["Luis Pereira"]}):
        with pytest.raises(Refused) as refused:
            await worker("bulk_update_tasks", taskIds=ids, changes=said | other, idempotencyKey="many")
        assert refused.value.code == "key_reused"
    await worker.create("Another")
    by_filter = {"filter": {"responsibleIds": ["Ana Soto"]}, "shiftDueDays": 1, "dryRun": True}
    plan = await worker("bulk_update_tasks", **by_filter, idempotencyKey="filter")
    await worker("apply_plan", planId=plan["planId"])
    said = {"filter": {"responsibleIds": ["ana@example.com"]}, "shiftDueDays": "1"}
    again = await worker("bulk_update_tasks", **said, idempotencyKey="filter")
    assert (again["replayed"], again["totals"]) == (True, {"applied": 2})


@pytest.mark.parametrize("backend", [one for one in BACKEND_CASES if one.name == "local"], ids=["local"])
async def test_a_task_for_tomorrow_sent_on_another_day_is_a_different_task(
    backend: BackendCase, tmp_path: Path
) -> None:
    clock = FixedClock(datetime(2026, 3, 3, 2, 59, 30, tzinfo=UTC))  # half a minute to midnight in Santiago
    async with backend.open(tmp_path) as app:
        here = replace(app, clock=clock, timezone="America/Santiago")
        async with Client(create_server(with_whole_answers(here))) as client:
            agent, body = Agent(client), BODY | {"dueDate": "tomorrow"}
            first = await agent("create_task", **body)
            assert (await agent("create_task", **body))["replayed"] is True
            clock.move(minutes=1)
            second = await agent("create_task", **body)
            assert "replayed" not in second
            assert [one["task"]["due_at"][:10] for one in (first, second)] == ["2026-03-03", "2026-03-04"]
            again = await agent("create_task", **BODY, dueDate="2026-03-03")
            assert (again["replayed"], again["task"]["id"]) == (True, first["task"]["id"])


async def test_two_people_added_at_the_same_moment_are_both_kept(agent: Agent) -> None:
    task = await agent.create()

    async def add(name: str) -> None:
        await agent("reassign_task", id=task["id"], responsibleIds=[name], mode="add")

    async with anyio.create_task_group() as calls:
        for name in ("Ana Soto", "Luis Pereira"):
            calls.start_soon(add, name)
    people = (await agent("get_task", id=task["id"]))["task"]["task_responsibles"]
    assert len(people) == 3


async def test_a_plan_with_a_key_that_was_used_for_something_else_is_refused(worker: Agent) -> None:
    plan = await worker("create_task", **BODY, idempotencyKey="one", dryRun=True)
    await worker("create_task", **(BODY | {"title": "Another"}), idempotencyKey="one")
    with pytest.raises(Refused) as refused:
        await worker("apply_plan", planId=plan["planId"])
    assert refused.value.code == "key_reused"
    assert await worker.listed() == ["Another"]


async def test_a_plan_is_not_answered_with_a_task_that_was_deleted_since(worker: Agent) -> None:
    plan = await worker("create_task", **BODY, dryRun=True)
    made = await worker("create_task", **BODY)
    deletion = await worker("delete_task", id=made["task"]["id"])
    await worker("apply_plan", planId=deletion["planId"])
    with pytest.raises(Refused) as refused:
        await worker("apply_plan", planId=plan["planId"])
    assert refused.value.code == "plan_used"


async def test_two_callers_keys_are_never_the_same(connect: Connect) -> None:
    one, other = await connect("x"), await connect("x y")
    await one("create_task", **BODY, idempotencyKey="y z")
    assert "replayed" not in await other("create_task", **BODY, idempotencyKey="z")
    assert await one.listed() == ["Call Acme", "Call Acme"]


async def test_the_same_key_of_another_caller_makes_another_task(connect: Connect) -> None:
    one, other = await connect("one"), await connect("other")
    first = await one("create_task", **BODY, idempotencyKey="daily")
    second = await other("create_task", **BODY, idempotencyKey="daily")
    assert "replayed" not in second
    assert second["task"]["id"] != first["task"]["id"]
