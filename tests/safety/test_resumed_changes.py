"""A change of many tasks that takes longer than a call: the same planId continues it, and writes each task once."""

from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from backends.slow_transport import NetworkTime, SlowTransport
from behaviour.agent import Refused
from file_stores import journal_in
from safety.account import Agent
from safety.crms import CLOSE
from safety.slow_vambe import AGAIN, SlowCrm, slow_crm
from taskhand.sandbox.server import serve_sandbox
from taskhand.server.app import create_server
from taskhand.service.app_context import WritePolicy

CALL_S = 45.0
TASKS = 40
"""More than can be written in one call, and fewer than in two."""
MANY = 400
"""So many that a slow CRM has shown them only when it is too late to write."""
ALL_AT_ONCE = WritePolicy(plan_over=TASKS)


async def call_in_time(agent: Agent, time: NetworkTime, tool: str, **arguments: Any) -> dict[str, Any]:
    """The answer of a tool, which comes in time."""
    time.now += 2.0
    began = time.now
    answer = await agent(tool, **arguments)
    assert time.now - began < CALL_S
    return answer


def assert_part(answer: dict[str, Any], crm: SlowCrm) -> int:
    """Check that an answer tells truly what was done and what is left, and how to go on; the number of written ones."""
    written = len(crm.renamed)
    assert 0 < written < TASKS
    assert answer["totals"] == {"applied": written, "not_attempted": TASKS - written}
    left = f"{TASKS - written} of {TASKS} tasks are left: call apply_plan with this planId to go on."
    assert answer["note"] == f"Not sent: the call's time ran out. {left}"
    assert "retryIds" not in answer
    return written


async def begin_plan(crm: SlowCrm, agent: Agent, time: NetworkTime, **more: str) -> tuple[str, dict[str, Any]]:
    """A planId, and the answer to its first apply_plan."""
    plan = await call_in_time(agent, time, "bulk_update_tasks", taskIds=crm.ids, changes=AGAIN | more)
    answer = await call_in_time(agent, time, "apply_plan", planId=plan["planId"])
    assert_part(answer, crm)
    assert answer["planId"] == plan["planId"]
    return plan["planId"], answer


async def test_a_plan_is_continued_until_no_task_is_left_and_undone_as_one(tmp_path: Path) -> None:
    time = NetworkTime()
    async with slow_crm(tmp_path, TASKS) as crm, crm.server(time) as (agent, _):
        plan_id, first = await begin_plan(crm, agent, time)
        preview = await call_in_time(agent, time, "apply_plan", planId=plan_id, dryRun=True)
        assert (preview["planId"], preview["count"]) == (plan_id, first["totals"]["not_attempted"])
        second = await call_in_time(agent, time, "apply_plan", planId=plan_id)
        assert (second["totals"], second["changeId"]) == ({"applied": TASKS}, first["changeId"])
        assert "planId" not in second
        assert set(crm.puts.values()) == {1}
        assert crm.renamed == set(crm.ids)
        with pytest.raises(Refused) as refused:
            await agent("apply_plan", planId=plan_id)
        assert refused.value.code == "plan_used"
        back = await call_in_time(agent, time, "undo_change", changeId=first["changeId"])
        assert back["count"] == TASKS
        while "planId" in back:
            back = await call_in_time(agent, time, "apply_plan", planId=back["planId"])
        assert back["totals"] == {"applied": TASKS}
        assert crm.renamed == set()


async def test_an_unfinished_change_returns_a_plan_id_and_its_key_returns_the_state(
    tmp_path: Path,
) -> None:
    time, key = NetworkTime(), {"idempotencyKey": "one"}
    async with slow_crm(tmp_path, TASKS) as crm, crm.server(time, ALL_AT_ONCE) as (agent, _):
        first = await call_in_time(agent, time, "bulk_update_tasks", taskIds=crm.ids, changes=AGAIN, **key)
        assert_part(first, crm)
        again = await call_in_time(agent, time, "bulk_update_tasks", taskIds=crm.ids, changes=AGAIN, **key)
        assert (again["totals"], again["planId"], again["replayed"]) == (first["totals"], first["planId"], True)
        done = await call_in_time(agent, time, "apply_plan", planId=again["planId"])
        assert done["totals"] == {"applied": TASKS}
        assert set(crm.puts.values()) == {1}
        last = await call_in_time(agent, time, "bulk_update_tasks", taskIds=crm.ids, changes=AGAIN, **key)
        assert (last["totals"], "planId" in last) == ({"applied": TASKS}, False)
        undone = await call_in_time(agent, time, "undo_change", changeId=first["changeId"])
        assert 0 < undone["totals"]["not_attempted"] < TASKS
        assert (await call_in_time(agent, time, "apply_plan", planId=undone["planId"]))["totals"] == {"applied": TASKS}
        assert crm.renamed == set()


async def test_another_process_continues_a_plan_and_two_at_once_write_each_task_once(tmp_path: Path) -> None:
    time = NetworkTime()
    async with slow_crm(tmp_path, TASKS) as crm:
        async with crm.server(time) as (agent, _):
            plan_id, first = await begin_plan(crm, agent, time)
        answers: list[dict[str, Any]] = []

        async def go_on(agent: Agent) -> None:
            try:
                answers.append(await agent("apply_plan", planId=plan_id))
            except Refused as refused:
                answers.append(refused.error)

        async with crm.server(time) as (one, _), crm.server(time) as (other, _), anyio.create_task_group() as both:
            both.start_soon(go_on, one)
            both.start_soon(go_on, other)
        assert set(crm.puts.values()) == {1}
        assert crm.renamed == set(crm.ids)
        done = [answer for answer in answers if "totals" in answer]
        assert [answer["totals"] for answer in done] == [{"applied": TASKS}]
        assert [answer["code"] for answer in answers if answer not in done] in (["plan_used"], ["in_progress"])
        assert done[0]["changeId"] == first["changeId"]


async def test_a_task_that_was_changed_between_the_parts_is_reported_and_the_others_are_written(
    tmp_path: Path,
) -> None:
    time = NetworkTime()
    async with slow_crm(tmp_path, TASKS) as crm, crm.server(time) as (agent, app):
        plan_id, _ = await begin_plan(crm, agent, time, priority="1")
        moved, same, half_same = [one for one in crm.ids if one not in crm.renamed][:3]
        async with crm.server(time) as (somebody, _):
            await somebody("update_task", id=moved, title="Mine")
            await somebody("update_task", id=same, **AGAIN)
            await somebody("update_task", id=half_same, **AGAIN, priority="2")
        crm.sandbox.clear_requests()
        done = await call_in_time(agent, time, "apply_plan", planId=plan_id)
        assert done["totals"] == {"applied": TASKS - 3, "refused": 2, "unchanged": 1}
        stale = next(row for row in done["outcomes"] if row["outcome"] == "refused")
        assert (stale["ids"], stale["code"]) == ([moved, half_same], "plan_stale")
        assert not {moved, same, half_same} & crm.puts.keys()
        verified = await app.journal.check_health()
        assert [one.outcome for one in verified] == ["ok"]


async def test_after_a_crash_during_a_continued_plan_each_task_is_written_once(tmp_path: Path) -> None:
    time = NetworkTime()
    async with slow_crm(tmp_path, TASKS) as crm:
        async with crm.server(time) as (agent, app):
            plan_id, first = await begin_plan(crm, agent, time)
            change = await app.journal.find(first["changeId"])
            assert change
        left = [index for index, result in change.results.items() if result.outcome == "not_attempted"]
        dying = journal_in(tmp_path)
        await dying.resume(change, left)
        await dying.aclose()
        async with crm.server(time) as (agent, _):
            done = await call_in_time(agent, time, "apply_plan", planId=plan_id)
            assert (done["totals"], done["changeId"]) == ({"applied": TASKS}, first["changeId"])
        assert set(crm.puts.values()) == {1}
        assert crm.renamed == set(crm.ids)


async def test_an_undone_change_cannot_be_resumed(tmp_path: Path) -> None:
    time = NetworkTime()
    async with slow_crm(tmp_path, TASKS) as crm, crm.server(time, ALL_AT_ONCE) as (agent, _):
        first = await call_in_time(agent, time, "bulk_update_tasks", taskIds=crm.ids, changes=AGAIN)
        await call_in_time(agent, time, "undo_change", changeId=first["changeId"])
        with pytest.raises(Refused) as refused:
            await call_in_time(agent, time, "apply_plan", planId=first["planId"])
        assert refused.value.code == "plan_used"


async def test_a_plan_whose_first_call_had_time_only_to_read_is_continued() -> None:
    time, crm = NetworkTime(), CLOSE
    way = SlowTransport(time, latency_s=9.0)
    async with (
        serve_sandbox(crm.sandbox(MANY, time, ())) as url,
        crm.sandboxed_app(url, time, transport=way) as app,
        Client(create_server(app)) as client,
    ):
        agent = Agent(client)
        changes = {"newStatusName": "Completed"}
        plan = await call_in_time(agent, time, "bulk_update_tasks", taskIds=crm.ids(MANY), changes=changes)
        done = await call_in_time(agent, time, "apply_plan", planId=plan["planId"])
        assert done["totals"] == {"not_attempted": MANY}
        while "planId" in done:
            before = done["totals"]["not_attempted"]
            done = await call_in_time(agent, time, "apply_plan", planId=plan["planId"])
            assert done["totals"].get("not_attempted", 0) < before
        assert done["totals"] == {"applied": MANY}


async def test_the_plan_id_of_an_unfinished_create_creates_each_remaining_task_once(tmp_path: Path) -> None:
    time = NetworkTime()
    own = {"responsibleIds": ["me"], "priority": "1"}
    tasks = [own | {"title": f"New {number:02}"} for number in range(TASKS)]
    async with slow_crm(tmp_path, 1) as crm, crm.server(time, ALL_AT_ONCE) as (agent, _):
        first = await call_in_time(agent, time, "create_tasks", tasks=tasks)
        made = first["totals"]["applied"]
        assert 0 < made < TASKS
        assert first["totals"] == {"applied": made, "not_attempted": TASKS - made}
        assert f"{TASKS - made} of {TASKS} tasks are left: call apply_plan with this planId to go on." in first["note"]
        again = await call_in_time(agent, time, "create_tasks", tasks=tasks[-2:])
        assert again["totals"] == {"refused": 2}
        assert first["planId"] in str(again)
        assert [row["message"].split(":")[0] for row in again["outcomes"]] == [
            f"tasks[{place}] {body['title']!r}" for place, body in enumerate(tasks[-2:])
        ]
        done = await call_in_time(agent, time, "apply_plan", planId=first["planId"])
        assert (done["totals"], done["changeId"]) == ({"applied": TASKS}, first["changeId"])
        titles = [task["title"] for task in crm.sandbox.tasks if task["title"].startswith("New")]
        assert sorted(titles) == [task["title"] for task in tasks]
        last = await call_in_time(agent, time, "create_tasks", tasks=tasks[-2:])
        assert last["totals"] == {"unchanged": 2}
