"""Bulk changes: each task has its own outcome, and a filter never changes every task."""

from typing import Any

import anyio
import pytest

from behaviour.agent import Agent, Refused
from behaviour.world import BackendCase
from time_limits import BOUND_S


async def _three(agent: Agent) -> list[str]:
    return [(await agent.create(f"Task {number}", dueDate="2026-03-10"))["id"] for number in range(3)]


async def _field(agent: Agent, ids: list[str], field: str) -> list[Any]:
    return [(await agent("get_task", id=one))["task"][field] for one in ids]


async def test_every_task_has_its_own_outcome(worker: Agent, backend: BackendCase) -> None:
    ids = await _three(worker)
    await worker("update_task", id=ids[0], priority="2")
    done = await worker("bulk_update_tasks", taskIds=[*ids, backend.absent, "../../x"], changes={"priority": "2"})
    assert done["totals"] == {"applied": 2, "unchanged": 1, "refused": 2}
    by_code = {(row["outcome"], row.get("code")): row["ids"] for row in done["outcomes"]}
    assert by_code[("unchanged", None)] == [ids[0]]
    assert by_code[("refused", "task_not_found")] == [backend.absent]
    assert by_code[("refused", "invalid_id")] == ["../../x"]
    assert by_code[("applied", None)] == ids[1:]
    assert await _field(worker, ids, "priority") == [2, 2, 2]


async def test_one_unknown_id_does_not_stop_the_other_tasks(worker: Agent, backend: BackendCase) -> None:
    task = await worker.create()
    for outcome in ("applied", "unchanged"):
        done = await worker("bulk_update_tasks", taskIds=[task["id"], backend.absent], changes={"priority": "2"})
        assert done["totals"] == {outcome: 1, "refused": 1}
        [row] = (await worker("list_changes", limit=1))["changes"]
        assert (row["changeId"], row["outcome"]) == (done["changeId"], outcome)


async def test_due_dates_are_shifted_by_days_and_keep_their_times(worker: Agent) -> None:
    ids = await _three(worker)
    timed = {"dueDate": "2026-03-10", "dueTime": "15:00", "timezone": "America/Santiago"}
    await worker("update_task", id=ids[0], **timed)
    # The clocks go back in Chile on 5 April 2026: 15:00 is an hour later in UTC from then on.
    done = await worker("bulk_update_tasks", taskIds=ids, shiftDueDays=30)
    assert done["totals"] == {"applied": 3}
    due = await _field(worker, ids, "due_at")
    assert due[0] == "2026-04-09T19:00:00.000Z"
    assert [one[:10] for one in due[1:]] == ["2026-04-09", "2026-04-09"]


async def test_people_are_added_and_taken_off_each_task(agent: Agent) -> None:
    ids = [(await agent.create(f"Task {number}"))["id"] for number in range(2)]
    people = {"addResponsibleIds": ["Ana Soto"], "removeResponsibleIds": ["me"]}
    done = await agent("bulk_update_tasks", taskIds=ids, changes=people)
    matched = [(match["argument"], match["given"]) for match in done["matched"]]
    assert matched == [("addResponsibleIds", "Ana Soto"), ("removeResponsibleIds", "me")]
    members = {row["id"]: row["name"] for row in (await agent("list_team_members"))["members"]}
    found = await _field(agent, ids, "task_responsibles")
    assert [[members[who["responsible_id"]] for who in one] for one in found] == [["Ana Soto"], ["Ana Soto"]]


async def test_a_filter_finds_its_tasks_and_leaves_the_others(worker: Agent) -> None:
    ids = await _three(worker)
    other = await worker.create("Something else", dueDate="2026-05-01")
    plan = await worker(
        "bulk_update_tasks", filter={"toDate": "2026-03-31", "includeTasksWithoutDates": False}, shiftDueDays=1
    )
    assert {row["id"] for row in plan["difference"]} == set(ids)
    done = await worker("apply_plan", planId=plan["planId"])
    assert done["totals"] == {"applied": 3}
    assert (await worker("get_task", id=other["id"]))["task"] == other
    none = await worker("bulk_update_tasks", filter={"text": "no such text"}, shiftDueDays=1)
    assert "No task matches the filter" in none["note"]


IMPOSSIBLE: list[tuple[dict[str, Any], str]] = [
    ({"filter": {}, "changes": {"priority": "2"}}, "empty_filter"),
    ({"filter": {"includeTasksWithoutDates": True}, "changes": {"priority": "2"}}, "matches_everything"),
    ({"filter": {"text": "task"}, "changes": {"priority": "2"}}, "matches_everything"),
    ({"changes": {"priority": "2"}}, "no_targets"),
    ({"taskIds": [], "changes": {"priority": "2"}}, "nothing_to_change"),
    ({"taskIds": ["x"], "filter": {"text": "task"}, "changes": {"priority": "2"}}, "several_targets"),
    ({"taskIds": ["x"]}, "nothing_to_change"),
    ({"taskIds": ["x"], "changes": {}}, "nothing_to_change"),
    ({"taskIds": ["x"], "changes": {"dueDate": "2026-03-20"}, "shiftDueDays": 1}, "several_changes"),
    ({"taskIds": ["x"], "shiftDueDays": 0}, "invalid_shift"),
    ({"taskIds": ["x"] * 3, "changes": {"id": "y"}}, "immutable_field"),
    ({"taskIds": [f"x{n}" for n in range(1_001)], "shiftDueDays": 1}, "too_many_tasks"),
    ({"taskIds": ["x"], "changes": {"newStatusName": "Open", "newStatusPosition": 1}}, "both_statuses"),
]


async def test_an_impossible_bulk_change_is_refused_and_nothing_is_written(worker: Agent) -> None:
    ids = await _three(worker)
    for sent, code in IMPOSSIBLE:
        with pytest.raises(Refused) as refused:
            await worker("bulk_update_tasks", **sent)
        assert refused.value.code == code, sent
        assert await _field(worker, ids, "priority") == [1, 1, 1], sent


async def test_a_bulk_filter_may_match_the_only_task_of_an_account(worker: Agent) -> None:
    task = await worker.create("Call Acme")
    plan = await worker("bulk_update_tasks", filter={"text": "Acme"}, changes={"priority": "2"})
    assert [row["id"] for row in plan["difference"]] == [task["id"]]


async def test_an_ambiguous_name_is_refused_in_a_bulk_change_too(worker: Agent) -> None:
    ids = await _three(worker)
    with pytest.raises(Refused) as refused:
        await worker("bulk_update_tasks", taskIds=ids, changes={"responsibleIds": ["maria rodriguez"]})
    assert refused.value.code == "ambiguous_member"
    assert len(refused.value.values) == 2


async def test_two_spellings_of_one_id_are_one_task(worker: Agent) -> None:
    (task_id, *_) = await _three(worker)
    done = await worker("bulk_update_tasks", taskIds=[task_id, task_id.upper()], shiftDueDays=2)
    assert done["totals"]["applied"] == 1
    assert done["retryIds"] == []
    assert [day[:10] for day in await _field(worker, [task_id], "due_at")] == ["2026-03-12"]


async def test_bulk_changes_of_the_same_tasks_in_opposite_order_do_not_wait_for_each_other(worker: Agent) -> None:
    ids = [(await worker.create(f"Task {number}", dueDate="2026-03-10"))["id"] for number in range(8)]
    totals: list[dict[str, int]] = []

    async def shift(task_ids: list[str]) -> None:
        totals.append((await worker("bulk_update_tasks", taskIds=task_ids, shiftDueDays=1))["totals"])

    with anyio.fail_after(BOUND_S):
        async with anyio.create_task_group() as calls:
            for task_ids in (ids, ids[::-1]):
                calls.start_soon(shift, task_ids)
    assert totals == [{"applied": 8}] * 2
    assert {day[:10] for day in await _field(worker, ids, "due_at")} == {"2026-03-12"}
